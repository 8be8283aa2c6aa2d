import { createDecipheriv, createHash, createPublicKey, verify, webcrypto } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { writeLicenseFile } from '../../src/licensing/license-file.ts';
import { document, FINGERPRINT, fixedSigner, LICENSE_KEY, PUBLIC_KEY } from '../support/offline-file.ts';

/**
 * Readers written from raw cryptography, in the ways that the readers published for Keygen's files go about it: none of them
 * uses anything of ours. What they differ in is how they strip the armor, which form of the key they take and what they insist on.
 */

type Kind = 'license' | 'machine';
type Reader = (certificate: string, kind: Kind, secret: string | null) => Promise<any>;

const SPKI = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(PUBLIC_KEY, 'hex')]).toString('base64');

/** As on a server: header and footer cut by a pattern, the key as base64 SPKI, the JSON decoded with its newlines in it. */
const withNodeCrypto: Reader = async (certificate, kind, secret) => {
  const armored = certificate.replace(/-----(?:BEGIN|END) (LICENSE|MACHINE) FILE-----\n?/g, '');
  const { enc, sig, alg } = JSON.parse(Buffer.from(armored, 'base64').toString());
  expect(alg).toBe(secret === null ? 'base64+ed25519' : 'aes-256-gcm+ed25519');
  const key = createPublicKey({ key: Buffer.from(SPKI, 'base64'), format: 'der', type: 'spki' });
  expect(verify(null, Buffer.from(`${kind}/${enc}`), key, Buffer.from(sig, 'base64'))).toBe(true);
  if (secret === null) return JSON.parse(Buffer.from(enc, 'base64').toString());
  const [ciphertext, iv, tag] = enc.split('.').map((part: string) => Buffer.from(part, 'base64'));
  const aes = createDecipheriv('aes-256-gcm', createHash('sha256').update(secret).digest(), iv);
  aes.setAuthTag(tag);
  aes.setAAD(Buffer.from(''));
  return JSON.parse(aes.update(ciphertext, undefined, 'utf8') + aes.final('utf8'));
};

/** As in a browser: `atob`, the key in raw bytes from hex, ciphertext and tag in one piece. */
const withWebCrypto: Reader = async (certificate, kind, secret) => {
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const { subtle } = webcrypto;
  const { enc, sig } = JSON.parse(atob(certificate.split('\n').slice(1, -2).join('')));
  const key = await subtle.importKey('raw', Buffer.from(PUBLIC_KEY, 'hex'), { name: 'Ed25519' }, true, ['verify']);
  expect(await subtle.verify({ name: 'Ed25519' }, key, bytes(sig), new TextEncoder().encode(`${kind}/${enc}`))).toBe(true);
  if (secret === null) return JSON.parse(new TextDecoder().decode(bytes(enc)));
  const [ciphertext, iv, tag] = enc.split('.');
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(secret));
  const aes = await subtle.importKey('raw', digest, { name: 'AES-GCM', length: 256 }, false, ['decrypt']);
  const whole = Buffer.concat([bytes(ciphertext), bytes(tag)]);
  return JSON.parse(new TextDecoder().decode(await subtle.decrypt({ name: 'AES-GCM', iv: bytes(iv), additionalData: new Uint8Array(), tagLength: 128 }, aes, whole)));
};

/** As in scripts that strip the armor by its set of characters, and as in libraries that cut the exact lines, the last newline too. */
const afterStrictStripping: Reader = async (certificate, kind, secret) => {
  const [begin, end] = [`-----BEGIN ${kind.toUpperCase()} FILE-----\n`, `-----END ${kind.toUpperCase()} FILE-----\n`];
  expect(certificate.startsWith(begin) && certificate.endsWith(end)).toBe(true);
  const cut = certificate.slice(begin.length, -end.length);
  const among = (set: string) => (char: string) => set.includes(char);
  const chars = [...certificate];
  const from = chars.findIndex((char) => !among(begin)(char));
  const to = chars.findLastIndex((char) => !among(end)(char));
  expect(chars.slice(from, to + 1).join('')).toBe(cut.trimEnd());
  return withNodeCrypto(cut, kind, secret);
};

const readers: [string, Reader][] = [['node:crypto', withNodeCrypto], ['WebCrypto', withWebCrypto], ['strict stripping', afterStrictStripping]];
const files: [string, Kind, string | null][] = [
  ['a readable license file', 'license', null],
  ['an encrypted license file', 'license', LICENSE_KEY],
  ['a readable machine file', 'machine', null],
  ['an encrypted machine file', 'machine', LICENSE_KEY + FINGERPRINT],
];
const include = ['entitlements', 'policy', 'product'] as const;

describe.each(files)('%s', (_title, kind, secret) => {
  const source = document({ bound: kind === 'machine', include: [...include] });
  const { certificate } = writeLicenseFile(source, fixedSigner, secret === null ? null : { licenseKey: LICENSE_KEY });

  test.each(readers)('opens with %s', async (_reader, read) => {
    expect(await read(certificate, kind, secret)).toEqual(JSON.parse(JSON.stringify(source)));
  });
});

/** What typed readers refuse to do without. */
describe('every field that a typed reader needs is there', () => {
  const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const read = async (kind: Kind) => {
    const { certificate } = writeLicenseFile(document({ bound: kind === 'machine', include: [...include] }), fixedSigner, { licenseKey: LICENSE_KEY });
    return withNodeCrypto(certificate, kind, kind === 'machine' ? LICENSE_KEY + FINGERPRINT : LICENSE_KEY);
  };
  const license = { id: expect.any(String), type: 'licenses', attributes: { key: LICENSE_KEY, name: expect.any(String), expiry: moment, status: 'ACTIVE', uses: 3, maxMachines: 2, suspended: false, metadata: {}, created: moment, updated: moment } };

  test('of a license file', async () => {
    const { data, included, meta } = await read('license');
    expect(meta).toEqual({ issued: moment, expiry: moment, ttl: 86_400, kid: fixedSigner.kid });
    expect(data).toMatchObject(license);
    expect(data.relationships.policy.data).toEqual({ type: 'policies', id: expect.any(String) });
    for (const { type, attributes } of included) if (type === 'entitlements') expect(attributes).toMatchObject({ name: expect.any(String), code: expect.any(String), created: moment, updated: moment });
  });

  test('of a machine file, which always carries its license', async () => {
    const { data, included } = await read('machine');
    expect(data).toMatchObject({ type: 'machines', attributes: { fingerprint: FINGERPRINT, requireHeartbeat: true, heartbeatStatus: 'ALIVE', heartbeatDuration: 3600, created: moment, updated: moment } });
    expect(included.find(({ type }: { type: string }) => type === 'licenses')).toMatchObject(license);
  });

  test('and each resource has its relationships, each to one thing but for entitlements', async () => {
    const { data, included } = await read('machine');
    for (const { relationships } of [data, ...included]) {
      for (const [name, { data: link }] of Object.entries<any>(relationships)) expect(Array.isArray(link)).toBe(name === 'entitlements');
    }
  });
});
