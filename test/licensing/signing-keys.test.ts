import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectDatabase, type Database } from '../../src/database/orm.ts';
import { createSealing } from '../../src/database/sealing.ts';
import { readLicenseFile, writeLicenseFile } from '../../src/licensing/license-file.ts';
import { createSigningKeys, type PublicKey } from '../../src/licensing/signing-keys.ts';
import { createDatabase } from '../support/database.ts';
import { document, ISSUED, PRODUCT_ID } from '../support/offline-file.ts';
import { withRival } from '../support/rival.ts';

const SECRET = 'a secret for tests, long enough to pass';
const now = new Date('2026-03-01T12:00:00.000Z');
const later = new Date('2026-04-01T12:00:00.000Z');

let database: Database;
let databaseUrl: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  const created = await createDatabase();
  [database, databaseUrl, drop] = [await connectDatabase(created.url), created.url, created.drop];
});
afterAll(async () => {
  await database.close(true);
  await drop();
});
beforeEach(async () => void (await database.em.fork().execute('delete from signing_keys')));

/** The keys as another process has them; `refreshMs` 0 asks the database every time. */
const keys = (refreshMs?: number) => createSigningKeys(database, SECRET, refreshMs);

const verifies = ({ raw }: PublicKey, text: string, signature: Buffer) =>
  verify(null, Buffer.from(text), createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' }), signature);

describe('the first start', () => {
  test('makes one key, however many processes start at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => keys().ensure(now)));
    expect(await keys().publicKeys()).toEqual([{ kid: expect.stringMatching(/^[0-9a-f]{16}$/), raw: expect.any(Buffer), createdAt: now, retiredAt: null }]);
  });

  test('makes a key that every later start keeps', async () => {
    await keys().ensure(now);
    const [first] = await keys().publicKeys();
    await keys().ensure(later);
    expect(await keys().publicKeys()).toEqual([first]);
  });
});

describe('a rotation', () => {
  test('signs with a new key from then on, and what the old one signed still verifies', async () => {
    const signing = keys();
    await signing.ensure(now);
    const old = await signing.currentSigner();
    const file = writeLicenseFile(document({ bound: false }), old, null).certificate;
    const { kid } = await signing.rotate(later);
    const published = await signing.publicKeys();
    expect((await signing.currentSigner()).kid).toBe(kid);
    expect(published).toMatchObject([{ kid, retiredAt: null }, { kid: old.kid, retiredAt: later }]);
    expect(readLicenseFile(file, { publicKeys: published.map(({ raw }) => raw.toString('hex')), productId: PRODUCT_ID, now: ISSUED }).ok).toBe(true);
  });

  test('of two at once makes one key, which both name', async () => {
    await keys().ensure(now);
    await withRival(databaseUrl, async (rival) => {
      await rival.run('select 1 from signing_keys for update');
      const rotations = Promise.all([keys().rotate(later), keys().rotate(later)]);
      await rival.untilStuck(rotations, 2);
      const [one, other] = await rival.commitOnce(rotations);
      expect(one.kid).toBe(other.kid);
    });
    expect(await keys().publicKeys()).toHaveLength(2);
  });

  test('by one process is followed by the others, which meanwhile sign with a key that verifies', async () => {
    const [patient, eager] = [keys(), keys(0)];
    await patient.ensure(now);
    const old = await patient.currentSigner();
    const { kid } = await keys().rotate(later);
    expect((await patient.currentSigner()).kid).toBe(old.kid);
    expect((await eager.currentSigner()).kid).toBe(kid);
  });
});

describe('a signer', () => {
  test('signs so that its published key verifies, and no other text', async () => {
    const signing = keys();
    await signing.ensure(now);
    const { kid, sign } = await signing.currentSigner();
    const [published] = await signing.publicKeys();
    expect(published?.kid).toBe(kid);
    expect(verifies(published!, 'a text, é', sign('a text, é'))).toBe(true);
    expect(verifies(published!, 'a text, e', sign('a text, é'))).toBe(false);
  });

  test('is made once and asked of the database once, however often it is wanted', async () => {
    const signing = keys();
    await signing.ensure(now);
    const wanted = await Promise.all(Array.from({ length: 20 }, () => signing.currentSigner()));
    await database.em.fork().execute('delete from signing_keys');
    expect(new Set([...wanted, await signing.currentSigner()]).size).toBe(1);
  });

  test('that could not be read is read again', async () => {
    const signing = keys();
    await expect(signing.currentSigner()).rejects.toThrow();
    await signing.ensure(now);
    expect((await signing.currentSigner()).kid).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('a private key at rest', () => {
  test('is of no use under another secret', async () => {
    await keys().ensure(now);
    await expect(createSigningKeys(database, 'another secret, just as long as the first').currentSigner()).rejects.toThrow();
  });

  test('stands in the database only sealed', async () => {
    await keys().ensure(now);
    const [row] = await database.em.fork().execute<{ private_key_sealed: Buffer }[]>('select private_key_sealed from signing_keys');
    expect(row!.private_key_sealed.includes('PRIVATE KEY')).toBe(false);
    expect(createSealing(SECRET, 'signing-key at rest').open(row!.private_key_sealed)).toContain('BEGIN PRIVATE KEY');
  });
});
