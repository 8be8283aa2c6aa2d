import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { Includable } from '../../src/licensing/core/license-document.ts';
import { type Reading, readLicenseFile, writeLicenseFile } from '../../src/licensing/license-file.ts';
import { document, FINGERPRINT, fixedIv, fixedSigner, ISSUED, LICENSE_KEY, PRODUCT_ID, PUBLIC_KEY } from '../support/offline-file.ts';

const golden = (name: string) => readFile(new URL(`golden/${name}.lic`, import.meta.url), 'utf8');
const encryption = { licenseKey: LICENSE_KEY, iv: fixedIv };
const after = (seconds: number) => new Date(ISSUED.getTime() + seconds * 1000);
const OTHER_KEY = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';

/** Reads as the app the file was made for would. */
const read = (certificate: string, change: Partial<Reading> = {}) =>
  readLicenseFile(certificate, { publicKeys: [PUBLIC_KEY], productId: PRODUCT_ID, licenseKey: LICENSE_KEY, fingerprint: FINGERPRINT, now: after(60), ...change });

const kinds = [
  ['a readable license file', { bound: false }, null],
  ['an encrypted license file', { bound: false }, encryption],
  ['a readable machine file', { bound: true }, null],
  ['an encrypted machine file', { bound: true }, encryption],
] as const;

describe('the same document, key, iv and time give the same file, byte for byte', () => {
  test('a readable license file', async () => {
    expect(writeLicenseFile(document({ bound: false }), fixedSigner, null)).toEqual({ certificate: await golden('license'), algorithm: 'base64+ed25519' });
  });

  test('an encrypted machine file', async () => {
    const written = writeLicenseFile(document({ bound: true, include: ['entitlements'] }), fixedSigner, encryption);
    expect(written).toEqual({ certificate: await golden('machine'), algorithm: 'aes-256-gcm+ed25519' });
  });

  test('and no two encrypted files are alike otherwise: the iv is drawn', () => {
    const write = () => writeLicenseFile(document({ bound: false }), fixedSigner, { licenseKey: LICENSE_KEY }).certificate;
    expect(write()).not.toBe(write());
  });
});

describe.each(kinds)('%s', (_title, { bound }, encrypted) => {
  const { certificate } = writeLicenseFile(document({ bound }), fixedSigner, encrypted);

  test('is armored in lines of 60 columns that all end with a newline', () => {
    const title = bound ? 'MACHINE' : 'LICENSE';
    const lines = certificate.split('\n');
    expect([lines[0], lines.at(-2), lines.at(-1)]).toEqual([`-----BEGIN ${title} FILE-----`, `-----END ${title} FILE-----`, '']);
    expect(lines.slice(1, -3).every((line) => /^[A-Za-z0-9+/]{60}$/.test(line))).toBe(true);
    expect(lines.at(-3)).toMatch(/^[A-Za-z0-9+/]{1,60}=*$/);
  });

  test('says what was signed', () => {
    expect(read(certificate)).toEqual({ ok: true, document: JSON.parse(JSON.stringify(document({ bound }))) });
  });

  test('is refused after any change of a single byte', () => {
    const bytes = Buffer.from(certificate);
    const accepted: string[] = [];
    const attempt = (what: string, changed: Buffer) => {
      const texts = new Set([changed.toString('utf8'), changed.toString('latin1')]);
      for (const text of texts) if (read(text).ok) accepted.push(what);
    };
    for (let place = 0; place < bytes.length; place += 1) {
      const [before, rest] = [bytes.subarray(0, place), bytes.subarray(place + 1)];
      for (const bit of [0, 3, 5, 7]) attempt(`${place}, bit ${bit}`, Buffer.concat([before, Buffer.from([bytes[place]! ^ (1 << bit)]), rest]));
      attempt(`${place} dropped`, Buffer.concat([before, rest]));
      for (const added of '\nA') attempt(`${place}, ${added} added`, Buffer.concat([before, Buffer.from(added), bytes.subarray(place)]));
      attempt(`${place}, the end cut off`, before);
    }
    for (const added of '\n \0') attempt(`${added} at the end`, Buffer.concat([bytes, Buffer.from(added)]));
    expect(accepted).toEqual([]);
  });

  test('is refused under another public key, and taken when one of several is right', () => {
    expect(read(certificate, { publicKeys: [OTHER_KEY] })).toEqual({ ok: false, fault: 'BAD_SIGNATURE' });
    expect(read(certificate, { publicKeys: [] })).toEqual({ ok: false, fault: 'BAD_SIGNATURE' });
    expect(read(certificate, { publicKeys: [OTHER_KEY, PUBLIC_KEY] }).ok).toBe(true);
  });

  test('is refused for another product: one installation signs for many', () => {
    expect(read(certificate, { productId: '01900000-0000-7000-8000-00000000000f' })).toEqual({ ok: false, fault: 'WRONG_PRODUCT' });
  });

  test.each([
    ['five minutes before it was issued, by a clock that is behind', -300, true],
    ['earlier than that, by a clock that was set back', -301, 'NOT_YET_VALID'],
    ['a second before it expires', 86_399, true],
    ['at the moment it expires', 86_400, 'EXPIRED'],
  ])('%s: %p s from its issue', (_when, seconds, outcome) => {
    const result = read(certificate, { now: after(seconds) });
    expect(result.ok || result.fault).toBe(outcome);
  });
});

describe('an encrypted file', () => {
  const licenseFile = writeLicenseFile(document({ bound: false }), fixedSigner, encryption).certificate;
  const machineFile = writeLicenseFile(document({ bound: true }), fixedSigner, encryption).certificate;

  test('shows nothing of the license to who has not its key', () => {
    const { enc } = JSON.parse(Buffer.from(licenseFile.split('\n').slice(1, -2).join(''), 'base64').toString());
    expect(Buffer.from(enc, 'base64').toString('latin1')).not.toContain('licenses');
    expect(read(licenseFile, { licenseKey: 'ACME-OTHER' })).toEqual({ ok: false, fault: 'CANNOT_DECRYPT' });
  });

  test('for a machine opens on that machine alone', () => {
    expect(read(machineFile, { fingerprint: 'sha256:bb22' })).toEqual({ ok: false, fault: 'CANNOT_DECRYPT' });
    expect(read(machineFile, { licenseKey: 'ACME-OTHER' })).toEqual({ ok: false, fault: 'CANNOT_DECRYPT' });
  });
});

test('a readable machine file is refused on another machine', () => {
  const { certificate } = writeLicenseFile(document({ bound: true }), fixedSigner, null);
  expect(read(certificate, { fingerprint: 'sha256:bb22' })).toEqual({ ok: false, fault: 'WRONG_MACHINE' });
});

describe('a file put together by a forger', () => {
  const { certificate } = writeLicenseFile(document({ bound: true }), fixedSigner, null);
  const envelope = JSON.parse(Buffer.from(certificate.split('\n').slice(1, -2).join(''), 'base64').toString());
  const armored = (title: string, content: unknown) => {
    const lines = Buffer.from(JSON.stringify(content)).toString('base64').match(/.{1,60}/g)!;
    return `-----BEGIN ${title} FILE-----\n${lines.join('\n')}\n-----END ${title} FILE-----\n`;
  };

  test('of the same parts is the same file', () => {
    expect(armored('MACHINE', envelope)).toBe(certificate);
  });

  test.each([
    ['a machine file shown as a license file', 'LICENSE', envelope, 'BAD_SIGNATURE'],
    ['another algorithm', 'MACHINE', { ...envelope, alg: 'aes-256-gcm+ed25519' }, 'CANNOT_DECRYPT'],
    ['an algorithm nobody knows', 'MACHINE', { ...envelope, alg: 'none' }, 'MALFORMED'],
    ['no signature', 'MACHINE', { enc: envelope.enc, alg: envelope.alg }, 'MALFORMED'],
    ['an empty signature', 'MACHINE', { ...envelope, sig: '' }, 'BAD_SIGNATURE'],
    ['more than an envelope holds', 'MACHINE', { ...envelope, admin: true }, 'MALFORMED'],
    ['its parts in another order', 'MACHINE', { alg: envelope.alg, enc: envelope.enc, sig: envelope.sig }, 'MALFORMED'],
    ['a signature in another spelling of base64', 'MACHINE', { ...envelope, sig: envelope.sig.replace('==', '') }, 'BAD_SIGNATURE'],
    ['another payload', 'MACHINE', { ...envelope, enc: Buffer.from('{"data":{}}').toString('base64') }, 'BAD_SIGNATURE'],
  ])('with %s is refused', (_title, title, content, fault) => {
    expect(read(armored(title, content))).toEqual({ ok: false, fault });
  });
});

describe('what a file carries', () => {
  const typesOf = (bound: boolean, include: Includable[]) => {
    const { data, included } = document({ bound, include });
    return [data.type, ...included.map(({ type }) => type)];
  };

  test.each([
    [false, [], ['licenses']],
    [false, ['entitlements', 'policy', 'product'], ['licenses', 'entitlements', 'entitlements', 'policies', 'products']],
    [false, ['policy', 'policy'], ['licenses', 'policies']],
    [true, [], ['machines', 'licenses']],
    [true, ['machine', 'entitlements'], ['machines', 'licenses', 'entitlements', 'entitlements']],
  ] as [boolean, Includable[], string[]][])('bound to a machine: %p, including %j, is %j', (bound, include, types) => {
    expect(typesOf(bound, include)).toEqual(types);
  });

  test('is nothing of the customer and none of the license’s metadata', () => {
    expect(document({ bound: false }).data.attributes).toMatchObject({ key: LICENSE_KEY, status: 'ACTIVE', metadata: {} });
  });

  test('links a machine to its license, and the license to its policy and product', () => {
    const { data, included } = document({ bound: true });
    expect(data.relationships).toEqual({ license: { data: { type: 'licenses', id: included[0]?.id } } });
    expect(included[0]?.relationships).toEqual({
      policy: { data: { type: 'policies', id: expect.any(String) } },
      product: { data: { type: 'products', id: expect.any(String) } },
    });
  });
});
