import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { sql } from 'kysely';
import { SigningKey, type SigningKeyRow } from '../database/account-rows.ts';
import { type Database, inTransaction, query, type Transaction } from '../database/orm.ts';
import { createSealing, type Sealing } from '../database/sealing.ts';

/**
 * The Ed25519 keys of this installation. One is current and signs; a retired one signs nothing more, and what it signed
 * stays verifiable, so it is kept and published for good.
 */

/** Signs with one key. `kid` names it: the first 16 hex digits of the SHA-256 of the raw public key. */
export type Signer = {
  kid: string;
  /** Ed25519 over the text's UTF-8 bytes: 64 bytes. */
  sign(text: string): Buffer;
};

/** `raw` is the 32 bytes of the key. `retiredAt` is null for the current one. */
export type PublicKey = { kid: string; raw: Buffer; createdAt: Date; retiredAt: Date | null };

export type SigningKeys = {
  /** The signer to use now. Cheap: the database is asked once in `refreshMs`, so a rotation elsewhere counts that much later. */
  currentSigner(): Promise<Signer>;
  /** Sees to it that there is a key. Of several processes that first start at once, one makes it. */
  ensure(now: Date): Promise<void>;
  /** Retires the current key and makes the next. Of two rotations at once, one does and both name its key. */
  rotate(now: Date): Promise<Signer>;
  /** Every key there ever was: the current one, then the last retired first. */
  publicKeys(): Promise<PublicKey[]>;
};

const REFRESH_MS = 30_000;

export function createSigningKeys(database: Database, secret: string, refreshMs = REFRESH_MS): SigningKeys {
  const sealing = createSealing(secret, 'signing-key at rest');
  let held: { signer: Promise<Signer>; staleAt: number } | null = null;
  const hold = (signer: Promise<Signer>) => {
    held = { signer, staleAt: performance.now() + refreshMs };
    signer.catch(() => (held = null));
    return signer;
  };
  return {
    currentSigner: () => (held !== null && performance.now() < held.staleAt ? held.signer : hold(readSigner(database.em.fork(), sealing))),
    ensure: (now) => inTransaction(database, (tx) => insertUnlessCurrent(tx, sealing, now)),
    rotate: async (now) => hold(Promise.resolve(await inTransaction(database, (tx) => rotate(tx, sealing, now)))),
    publicKeys: () => readPublicKeys(database),
  };
}

async function rotate(tx: Transaction, sealing: Sealing, now: Date): Promise<Signer> {
  await query(tx, sql`update signing_keys set retired_at = ${now} where retired_at is null`);
  await insertUnlessCurrent(tx, sealing, now);
  return readSigner(tx, sealing);
}

/** The unique index on the current key decides: a second one waits for the first to commit and then is none. */
async function insertUnlessCurrent(tx: Transaction, sealing: Sealing, now: Date): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = rawKey(publicKey);
  const sealed = sealing.seal(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await query(tx, sql`
    insert into signing_keys (kid, public_key, private_key_sealed, created_at)
    values (${kidOf(raw)}, ${raw}, ${sealed}, ${now}) on conflict do nothing`);
}

async function readSigner(tx: Transaction, sealing: Sealing): Promise<Signer> {
  const { kid, privateKeySealed } = await tx.findOneOrFail(SigningKey, { retiredAt: null });
  return createSigner(kid, createPrivateKey(sealing.open(privateKeySealed)));
}

async function readPublicKeys(database: Database): Promise<PublicKey[]> {
  const rows = await database.em.fork().findAll(SigningKey, { orderBy: { retiredAt: 'desc nulls first', createdAt: 'desc' } });
  return rows.map(({ kid, publicKey, createdAt, retiredAt }: SigningKeyRow) => ({ kid, raw: Buffer.from(publicKey), createdAt, retiredAt }));
}

/** A signer of a private key. */
export function createSigner(kid: string, privateKey: KeyObject): Signer {
  return { kid, sign: (text) => sign(null, Buffer.from(text), privateKey) };
}

function kidOf(raw: Buffer): string {
  return createHash('sha256').update(raw).digest('hex').slice(0, 16);
}

/** The last 32 bytes of an Ed25519 SPKI are the key itself. */
function rawKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
}

/** The DER bytes before a raw Ed25519 key in its SPKI form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A raw public key as SPKI, in base64: the form that most libraries read. */
export function spkiOf(raw: Buffer): string {
  return Buffer.concat([SPKI_PREFIX, raw]).toString('base64');
}
