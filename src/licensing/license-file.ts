import { createCipheriv, createDecipheriv, createHash, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { z } from 'zod';
import type { LicenseDocument } from './core/license-document.ts';
import type { Signer } from './signing-keys.ts';

/**
 * Offline files: how one is written, and a small reader that an app may take over. The layout is the one that Keygen's readers open:
 *
 *     -----BEGIN LICENSE FILE-----        MACHINE FILE when it is bound to a machine
 *     base64 of {"enc", "sig", "alg"}     in lines of 60 columns
 *     -----END LICENSE FILE-----
 *
 * `enc` is base64 of the document, or `ciphertext.iv.tag`, each in base64. `sig` is Ed25519 over `license/` or `machine/` and `enc`.
 */

type Kind = 'license' | 'machine';
type Envelope = { enc: string; sig: string; alg: Algorithm };
type Algorithm = (typeof algorithms)[number];

const algorithms = ['base64+ed25519', 'aes-256-gcm+ed25519'] as const;
const COLUMNS = 60;

/** `licenseKey` encrypts the file, so that only who has the key reads it; null leaves it readable. `iv` is drawn unless a test gives it. */
type Encryption = { licenseKey: string; iv?: Buffer } | null;

/** Writes the file of a document: for a machine when its data is one. */
export function writeLicenseFile(document: LicenseDocument, signer: Signer, encryption: Encryption): { certificate: string; algorithm: Algorithm } {
  const kind: Kind = document.data.type === 'machines' ? 'machine' : 'license';
  const payload = Buffer.from(JSON.stringify(document));
  const alg: Algorithm = encryption === null ? 'base64+ed25519' : 'aes-256-gcm+ed25519';
  const enc = encryption === null ? payload.toString('base64') : encrypt(payload, secretOf(encryption.licenseKey, fingerprintOf(document)), encryption.iv);
  const sig = signer.sign(`${kind}/${enc}`).toString('base64');
  return { certificate: armor(kind, { enc, sig, alg }), algorithm: alg };
}

function fingerprintOf({ data }: LicenseDocument): string {
  return data.type === 'machines' ? String(data.attributes['fingerprint']) : '';
}

function encrypt(payload: Buffer, secret: Buffer, iv: Buffer = randomBytes(12)): string {
  const cipher = createCipheriv('aes-256-gcm', secret, iv);
  const ciphertext = Buffer.concat([cipher.update(payload), cipher.final()]);
  return [ciphertext, iv, cipher.getAuthTag()].map((part) => part.toString('base64')).join('.');
}

/** SHA-256 of the license key, and of the fingerprint after it where the file is bound to one. */
function secretOf(licenseKey: string, fingerprint: string): Buffer {
  return createHash('sha256').update(licenseKey).update(fingerprint).digest();
}

/** The one text that an envelope has. Every line, the last one too, ends with a newline. */
function armor(kind: Kind, { enc, sig, alg }: Envelope): string {
  const lines = Buffer.from(JSON.stringify({ enc, sig, alg })).toString('base64').match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  const title = `${kind.toUpperCase()} FILE`;
  return `-----BEGIN ${title}-----\n${lines.join('\n')}\n-----END ${title}-----\n`;
}

/**
 * What a reader brings: the public keys in hex; the id of its product, since one installation signs for all its vendors, for live and
 * for test data; for a file that is encrypted or bound, its license key and fingerprint.
 */
export type Reading = { publicKeys: string[]; productId: string; licenseKey?: string; fingerprint?: string; now: Date };

/** Why a file is not to be trusted, or not here and now. */
type ReadFault = 'MALFORMED' | 'BAD_SIGNATURE' | 'CANNOT_DECRYPT' | 'WRONG_PRODUCT' | 'WRONG_MACHINE' | 'NOT_YET_VALID' | 'EXPIRED';

type ReadLicenseFile = { ok: true; document: ReadDocument } | { ok: false; fault: ReadFault };

const resource = z.object({
  type: z.string(),
  id: z.string(),
  attributes: z.record(z.string(), z.unknown()),
  relationships: z.record(z.string(), z.unknown()),
});

const documentShape = z.object({
  data: resource,
  included: z.array(resource),
  meta: z.object({ issued: z.iso.datetime(), expiry: z.iso.datetime(), ttl: z.int(), kid: z.string() }),
});

/** What a license links its product with. */
const product = z.object({ data: z.object({ id: z.string() }) });

type ReadDocument = z.output<typeof documentShape>;

/** A clock may be this much behind the one that issued the file. */
const SKEW_MS = 5 * 60_000;

/**
 * Reads a file as strictly as it can be read: the signature first, then what it covers. Change, add or drop any byte of the
 * certificate, and it is refused.
 */
export function readLicenseFile(certificate: string, { publicKeys, productId, licenseKey = '', fingerprint = '', now }: Reading): ReadLicenseFile {
  const opened = unarmor(certificate);
  if (opened === null) return { ok: false, fault: 'MALFORMED' };
  const { kind, envelope } = opened;
  if (!publicKeys.some((hex) => isSigned(kind, envelope, hex))) return { ok: false, fault: 'BAD_SIGNATURE' };
  const secret = secretOf(licenseKey, kind === 'machine' ? fingerprint : '');
  const document = documentOf(envelope, secret);
  if (document === null) return { ok: false, fault: 'CANNOT_DECRYPT' };
  const fault = faultOf(document, { kind, fingerprint, productId }, now);
  return fault === null ? { ok: true, document } : { ok: false, fault };
}

const envelopeShape = z.strictObject({ enc: z.string(), sig: z.string(), alg: z.enum(algorithms) });

/** The envelope in a certificate, if the certificate is exactly what we would write of it: base64 alone has many spellings. */
function unarmor(certificate: string): { kind: Kind; envelope: Envelope } | null {
  const kind: Kind = certificate.startsWith('-----BEGIN MACHINE FILE-----') ? 'machine' : 'license';
  const body = certificate.split('\n').slice(1, -2).join('');
  const envelope = envelopeShape.safeParse(jsonOf(Buffer.from(body, 'base64').toString('utf8')));
  return envelope.success && armor(kind, envelope.data) === certificate ? { kind, envelope: envelope.data } : null;
}

function isSigned(kind: Kind, { enc, sig }: Envelope, publicKey: string): boolean {
  const signature = Buffer.from(sig, 'base64');
  return signature.toString('base64') === sig && verify(null, Buffer.from(`${kind}/${enc}`), keyOf(publicKey), signature);
}

function keyOf(hex: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(hex, 'hex').toString('base64url') }, format: 'jwk' });
}

function documentOf({ enc, alg }: Envelope, secret: Buffer): ReadDocument | null {
  const payload = alg === 'base64+ed25519' ? Buffer.from(enc, 'base64') : decrypt(enc, secret);
  const document = documentShape.safeParse(payload && jsonOf(payload.toString('utf8')));
  return document.success ? document.data : null;
}

function decrypt(enc: string, secret: Buffer): Buffer | null {
  const [ciphertext, iv, tag] = enc.split('.').map((part) => Buffer.from(part, 'base64'));
  if (!ciphertext || iv?.length !== 12 || tag?.length !== 16) return null;
  const decipher = createDecipheriv('aes-256-gcm', secret, iv).setAuthTag(tag);
  const start = decipher.update(ciphertext);
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    return null;
  }
}

/** A file lasts until the very moment it expires, as a license does. */
function faultOf({ data, included, meta }: ReadDocument, { kind, fingerprint, productId }: { kind: Kind; fingerprint: string; productId: string }, now: Date): ReadFault | null {
  const license = [data, ...included].find(({ type }) => type === 'licenses');
  if (product.safeParse(license?.relationships['product']).data?.data.id !== productId) return 'WRONG_PRODUCT';
  if (kind === 'machine' && data.attributes['fingerprint'] !== fingerprint) return 'WRONG_MACHINE';
  if (new Date(meta.issued).getTime() > now.getTime() + SKEW_MS) return 'NOT_YET_VALID';
  return now >= new Date(meta.expiry) ? 'EXPIRED' : null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
