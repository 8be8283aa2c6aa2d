import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { hashApiKey } from '../../src/database/api-keys.ts';
import { readLicenseFile } from '../../src/licensing/license-file.ts';
import { LIVE_KEY, startTestService, TEST_KEY, type TestService, testClock } from '../support/service.ts';
import { until } from '../support/until.ts';

const start = new Date('2026-03-01T12:00:00.000Z');
const HOUR = 3_600;
const DAY = 24 * HOUR;
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const FINGERPRINT = 'sha256:aa11';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock: testClock(start), environment: { RATE_LIMIT_ACTIVATE: '0' } });
});
afterAll(() => tillkey.stop());
beforeEach(() => tillkey.clock.set(start));

async function post(path: string, body: object, authorization = `Bearer ${TEST_KEY}`): Promise<{ status: number; body: any }> {
  const response = await fetch(`${tillkey.url}/api/v1${path}`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

let made = 0;

/** A license of a policy of its own. */
async function createLicense({ policy = {}, license = {} }: { policy?: object; license?: object } = {}): Promise<{ id: string; key: string; productId: string }> {
  made += 1;
  const product = await post('/products', { name: 'Acme', code: `ACME-${made}`, keyPrefix: 'ACME' });
  const entitlement = await post('/entitlements', { name: 'Export', code: `export-${made}` });
  const { body } = await post('/policies', { productId: product.body.data.id, name: 'Pro', requireFingerprint: false, ...policy });
  const created = await post('/licenses', { policyId: body.data.id, entitlementIds: [entitlement.body.data.id], metadata: { secret: 1 }, userEmail: `jo${made}@example.com`, ...license });
  expect(created.status).toBe(201);
  return { id: created.body.data.id, key: created.body.data.key, productId: product.body.data.id };
}

const checkOut = ({ id }: { id: string }, body: object = {}, authorization?: string) => post(`/licenses/${id}/checkout`, body, authorization);
const activate = ({ key }: { key: string }, fingerprint = FINGERPRINT) => post('/machines', { fingerprint, name: 'Studio' }, `License ${key}`);

/** Opens a file as the app does, with the keys that the service publishes. */
async function open(certificate: string, { productId, key }: { productId: string; key: string }, fingerprint = '') {
  const { body } = await tillkey.call('GET', '/public-keys', { key: null });
  return readLicenseFile(certificate, { publicKeys: body.data.map(({ hex }: { hex: string }) => hex), productId, licenseKey: key, fingerprint, now: tillkey.clock.now() });
}

describe('a file that is checked out', () => {
  test('opens with the published key and says what the license is', async () => {
    const license = await createLicense({ license: { name: 'Jo', expiresAt: later(100 * DAY).toISOString() } });
    const { status, body } = await checkOut(license, { include: ['entitlements', 'policy', 'product'] });
    expect(status).toBe(200);
    expect(body.data).toEqual({
      certificate: expect.stringMatching(/^-----BEGIN LICENSE FILE-----\n/), algorithm: 'base64+ed25519', fingerprint: null,
      issuedAt: start.toISOString(), expiresAt: later(14 * DAY).toISOString(), ttl: 14 * DAY,
    });
    const file = await open(body.data.certificate, license);
    expect(file).toMatchObject({ ok: true, document: { data: { type: 'licenses', id: license.id, attributes: { key: license.key, name: 'Jo', metadata: {} } }, meta: { ttl: 14 * DAY, expiry: body.data.expiresAt } } });
    expect(file.ok && file.document.included.map(({ type, attributes }) => [type, attributes['code']])).toEqual([
      ['entitlements', `export-${made}`], ['policies', undefined], ['products', `ACME-${made}`],
    ]);
    expect(JSON.stringify(file)).not.toContain('example.com');
  });

  test('for a machine, encrypted, opens there alone', async () => {
    const license = await createLicense({ policy: { requireFingerprint: true } });
    expect((await activate(license)).status).toBe(201);
    const { body } = await checkOut(license, { fingerprint: FINGERPRINT, encrypt: true }, `License ${license.key}`);
    expect(body.data).toMatchObject({ certificate: expect.stringMatching(/^-----BEGIN MACHINE FILE-----\n/), algorithm: 'aes-256-gcm+ed25519', fingerprint: FINGERPRINT });
    const file = await open(body.data.certificate, license, FINGERPRINT);
    expect(file).toMatchObject({ ok: true, document: { data: { type: 'machines', attributes: { fingerprint: FINGERPRINT, name: 'Studio', heartbeatStatus: 'NOT_STARTED' } }, included: [{ type: 'licenses', id: license.id }] } });
    expect(await open(body.data.certificate, license, 'sha256:bb22')).toMatchObject({ ok: false });
  });

  test('is told in an event of the license, and one that is refused is not', async () => {
    const license = await createLicense();
    await checkOut(license);
    await checkOut(license, { ttl: 1 });
    const events = await tillkey.service.dependencies.database.em.fork().execute<{ type: string }[]>('select type from events where license_id = ? order by sequence', [license.id]);
    expect(events.map(({ type }) => type)).toEqual(['license.created', 'license.checked_out']);
  });

  test('does not change the license', async () => {
    const license = await createLicense();
    const read = async () => (await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data;
    const before = await read();
    tillkey.clock.set(later(60));
    await checkOut(license);
    expect(await read()).toEqual(before);
  });
});

describe('who may check out', () => {
  test('an app may its own license and finds no other', async () => {
    const [own, other] = [await createLicense(), await createLicense()];
    expect((await checkOut(own, {}, `License ${own.key}`)).status).toBe(200);
    expect(await checkOut(other, {}, `License ${own.key}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect((await checkOut(own, {}, 'License ACME-0000')).status).toBe(401);
  });

  test('a vendor may with permission to write, not to read, and not from the other mode', async () => {
    const license = await createLicense();
    const reader = `lk_test_${'r'.repeat(32)}`;
    const { database, scopes } = tillkey.service.dependencies;
    await database.em.fork().execute(
      `insert into api_keys (id, scope_id, name, prefix, hash, scopes, created_at) values (gen_random_uuid(), ?, 'reader', 'lk_test_', ?, '{licenses:read}', now())`,
      [scopes[1]!.id, hashApiKey(reader)],
    );
    expect(await checkOut(license, {}, `Bearer ${reader}`)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await checkOut(license, {}, `Bearer ${LIVE_KEY}`)).status).toBe(404);
  });
});

describe('there is no file', () => {
  test.each([
    ['suspend', 'SUSPENDED'],
    ['revoke', 'REVOKED'],
    ['ban', 'BANNED'],
  ])('after %s: 403 %s', async (action, code) => {
    const license = await createLicense();
    await post(`/licenses/${license.id}/${action}`, {});
    expect(await checkOut(license)).toMatchObject({ status: 403, body: { code } });
  });

  test('of a license that has expired: 403, or 422 where its policy still allows access', async () => {
    const expiring = { expiresAt: later(DAY).toISOString() };
    const restricted = await createLicense({ license: expiring });
    const allowed = await createLicense({ policy: { expirationStrategy: 'ALLOW_ACCESS' }, license: expiring });
    tillkey.clock.set(later(DAY));
    expect(await checkOut(restricted)).toMatchObject({ status: 403, body: { code: 'EXPIRED' } });
    expect(await checkOut(allowed)).toMatchObject({ status: 422, body: { code: 'TTL_OUT_OF_RANGE', details: { least: HOUR, most: 0 } } });
  });

  test('of a license that is revoked while the file is wanted', async () => {
    const license = await createLicense();
    const vendor = new pg.Client({ connectionString: tillkey.databaseUrl });
    await vendor.connect();
    await vendor.query('begin');
    await vendor.query(`update licenses set vendor_status = 'revoked' where id = $1`, [license.id]);
    const wanted = checkOut(license);
    await until(async () => (await vendor.query('select 1 from pg_locks where not granted')).rowCount !== 0);
    await vendor.query('commit');
    await vendor.end();
    expect(await wanted).toMatchObject({ status: 403, body: { code: 'REVOKED' } });
  });

  test('where the policy allows none', async () => {
    expect(await checkOut(await createLicense({ policy: { offlineAllowed: false } }))).toMatchObject({ status: 403, body: { code: 'OFFLINE_NOT_ALLOWED' } });
  });

  test('without a fingerprint where the policy requires one', async () => {
    expect(await checkOut(await createLicense({ policy: { requireFingerprint: true } }))).toMatchObject({ status: 403, body: { code: 'FINGERPRINT_REQUIRED' } });
  });

  test.each([true, false])('for a machine that is not activated, whether the policy requires one (%p)', async (requireFingerprint) => {
    const [license, other] = [await createLicense({ policy: { requireFingerprint } }), await createLicense()];
    await activate(other);
    expect(await checkOut(license, { fingerprint: FINGERPRINT })).toMatchObject({ status: 403, body: { code: 'FINGERPRINT_NOT_FOUND' } });
  });

  test('for a machine that owes heartbeats', async () => {
    const license = await createLicense({ policy: { requireHeartbeat: true, heartbeatIntervalMinutes: 60 } });
    await activate(license);
    tillkey.clock.set(later(2 * HOUR));
    expect((await checkOut(license, { fingerprint: FINGERPRINT })).status).toBe(200);
    tillkey.clock.set(later(2 * HOUR + 1));
    expect(await checkOut(license, { fingerprint: FINGERPRINT })).toMatchObject({ status: 403, body: { code: 'HEARTBEAT_REQUIRED' } });
  });

  test.each([
    ['shorter than an hour', HOUR - 1, 14 * DAY],
    ['longer than the policy allows', 14 * DAY + 1, 14 * DAY],
  ])('%s: refused with the bounds, not clamped', async (_title, ttl, most) => {
    expect(await checkOut(await createLicense(), { ttl })).toMatchObject({ status: 422, body: { code: 'TTL_OUT_OF_RANGE', details: { least: HOUR, most } } });
  });

  test('that outlives its license', async () => {
    const license = await createLicense({ license: { expiresAt: later(2 * DAY).toISOString() } });
    expect(await checkOut(license, { ttl: 2 * DAY + 1 })).toMatchObject({ status: 422, body: { code: 'TTL_OUT_OF_RANGE', details: { least: HOUR, most: 2 * DAY } } });
    expect((await checkOut(license, { ttl: 2 * DAY })).body.data.expiresAt).toBe(later(2 * DAY).toISOString());
    expect((await checkOut(license)).body.data.ttl).toBe(2 * DAY);
  });

  test.each([
    ['an unknown field', { days: 3 }],
    ['an unknown include', { include: ['customer'] }],
    ['half a second', { ttl: 3600.5 }],
    ['a fingerprint that is too short', { fingerprint: 'short' }],
  ])('for %s: 400', async (_title, body) => {
    expect(await checkOut(await createLicense(), body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('of a license that does not exist', async () => {
    expect((await checkOut({ id: 'nonsense' })).status).toBe(404);
    expect((await checkOut({ id: '01900000-0000-7000-8000-000000000000' })).status).toBe(404);
  });
});
