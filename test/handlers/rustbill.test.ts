import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { otherInterfaces } from '../../src/app.ts';
import type { Route } from '../../src/handlers/http/route.ts';
import { asJson, type Asked, asker, type Heard } from '../support/ask.ts';
import { createCatalog } from '../support/catalog.ts';
import { routeOf, undocumented } from '../support/documented.ts';
import { createEntitlement, createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { type CallOptions, LIVE_KEY, type Method, type Reply, startTestService, testClock, TEST_KEY, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

const begin = new Date('2026-01-15T10:30:00Z');
const clock = testClock(begin);
let tillkey: TestService;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
let table: Route[];
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
  ({ ask, close } = asker(tillkey.url));
  table = otherInterfaces(tillkey.service.dependencies).flatMap(({ routes }) => routes);
});
afterAll(async () => {
  close();
  await tillkey.stop();
});

const failure = z.object({ valid: z.literal(false).optional(), error: z.string().regex(/^[a-z_]+$/), message: z.string().min(1) });

/** Calls the interface; whatever is answered is as its routes say, or a failure in its shape. */
async function call(method: Method, path: string, options: CallOptions = {}, at = tillkey): Promise<Reply> {
  const reply = await at.call(method, `/api/licenses${path}`, options);
  const fault = reply.status >= 400 ? failure.safeParse(reply.body).error?.message : undocumented(routeOf(table, method, `/api/licenses${path}`), reply);
  expect([method, path, fault ?? null]).toEqual([method, path, null]);
  return reply;
}

const named = (key: string) => `/${encodeURIComponent(key)}`;
const verify = (licenseKey: string, at = tillkey) => call('POST', '/verify', { key: null, body: { licenseKey } }, at);
const ask1 = (licenseKey: string, deviceId: string, at = tillkey) => call('POST', '/validate', { key: null, body: { licenseKey, deviceId } }, at);
const put = (key: string, body: object) => call('PUT', named(key), { body });
const native = async (method: Method, path: string, body?: object) => {
  const reply = await tillkey.call(method, `/api/v1${path}`, body ? { body } : {});
  expect([method, path, reply.status < 300, reply.body]).toEqual([method, path, true, reply.body]);
  return reply.body.data;
};
const query = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);

let made = 0;
const newProduct = async () => (await native('POST', '/products', { name: 'Acme', code: `RUST-${(made += 1)}`, keyPrefix: 'RUSTBILL' })).id;
const newCustomer = async () => (await native('POST', '/customers', { email: `rust-${(made += 1)}@example.com`, name: 'Jo Doe' })).id;
const order = async (fields: object = {}) => ({ customerId: await newCustomer(), productId: await newProduct(), ...fields });
const create = async (fields: object = {}): Promise<any> => {
  const { status, body } = await call('POST', '', { body: await order(fields) });
  expect([status, body]).toEqual([201, body]);
  return body;
};
const policyOf = async (key: string) => native('GET', `/policies/${(await native('GET', `/licenses?key=${key}`))[0].policyId}`);
const eventsOf = async (id: string) => (await native('GET', `/events?licenseId=${id}`)).map(({ type }: any) => type).reverse();

describe('the documentation’s examples, word for word', () => {
  test('a license is made, listed, verified, used on two devices, changed and deleted', async () => {
    const key = await insertApiKey(tillkey, await insertAccount(tillkey));
    const { id: productId } = (await tillkey.call('POST', '/api/v1/products', { key, body: { name: 'Acme', code: 'ACME', keyPrefix: 'RUSTBILL' } })).body.data;
    const { id: customerId } = (await tillkey.call('POST', '/api/v1/customers', { key, body: { email: 'john@example.com' } })).body.data;
    const features = { api_access: true, premium_support: true, max_users: 50 };
    const created = await call('POST', '', { key, body: { customerId, productId, maxActivations: 5, features, expiresAt: '2027-01-15T00:00:00Z' } });
    expect(created.status).toBe(201);
    const { id, licenseKey } = created.body;
    expect(licenseKey).toMatch(/^RUSTBILL(-[0-9A-Z]{4}){4}$/);
    expect(created.body).toEqual({ id, licenseKey, customerId, productId, status: 'active', maxActivations: 5, currentActivations: 0, features, expiresAt: '2027-01-15T00:00:00Z', createdAt: '2026-01-15T10:30:00Z' });

    expect(await call('POST', '/verify', { key: null, body: { licenseKey } })).toMatchObject({ status: 200, body: { valid: true, status: 'active', features: { api_access: true }, expiresAt: '2027-01-15T00:00:00Z' } });
    const laptop = { deviceId: 'device-fingerprint-hash', deviceName: 'John\'s Laptop' };
    for (const device of [laptop, laptop, { deviceId: 'another', deviceName: 'Desktop' }]) expect((await call('POST', '/validate', { key: null, body: { licenseKey, ...device } })).status).toBe(200);

    const shown = { ...created.body, currentActivations: 2 };
    expect((await call('GET', '', { key })).body).toEqual([shown]);
    expect((await call('GET', `/${licenseKey}`, { key })).body).toEqual(shown);
    expect((await call('GET', `/${licenseKey}/activations`, { key })).body).toMatchObject([{ deviceId: 'another' }, { deviceId: laptop.deviceId, deviceName: laptop.deviceName, activatedAt: '2026-01-15T10:30:00Z', lastSeenAt: '2026-01-15T10:30:00Z' }]);
    expect((await call('DELETE', `/${licenseKey}/activations/another`, { key })).status).toBe(204);
    expect((await call('DELETE', `/${licenseKey}/activations/another`, { key })).body.error).toBe('activation_not_found');

    const changed = { status: 'suspended', maxActivations: 3, features: { api_access: true }, expiresAt: '2028-01-15T00:00:00Z' };
    expect(await call('PUT', `/${licenseKey}`, { key, body: changed })).toMatchObject({ status: 200, body: { ...shown, ...changed, currentActivations: 1 } });
    expect((await verify(licenseKey)).body).toMatchObject({ valid: false, status: 'suspended' });
    for (const [status, expected] of [['active', 200], ['revoked', 200], ['active', 409]] as const) expect((await call('PUT', `/${licenseKey}`, { key, body: { status } })).status).toBe(expected);
    expect((await call('DELETE', `/${licenseKey}`, { key })).status).toBe(204);
    for (const gone of [await call('GET', `/${licenseKey}`, { key }), await call('DELETE', `/${licenseKey}`, { key }), await verify(licenseKey), await ask1(licenseKey, 'x')]) expect(gone).toMatchObject({ status: 404, body: { error: 'license_not_found' } });
  });
});

describe('features', () => {
  const flags = { max_users: 50, tier: 'gold', beta: false, 'Not A Code': true, nested: { a: [1, null] } };

  test('that are true are entitlements, of which a native validation knows; others are kept as they are', async () => {
    const { id, licenseKey, features } = await create({ features: { api_access: true, ...flags } });
    expect(features).toEqual({ api_access: true, ...flags });
    expect(await native('GET', `/licenses/${id}`)).toMatchObject({ entitlements: ['api_access'], metadata: { featureFlags: flags } });
    expect((await validate(tillkey, { key: licenseKey }, { fingerprint: 'fingerprint', entitlements: ['sso'] })).code).toBe('FINGERPRINT_NOT_FOUND');
    await ask1(licenseKey, 'fingerprint');
    expect([await validate(tillkey, { key: licenseKey }, { fingerprint: 'fingerprint', entitlements: ['api_access'] }), await validate(tillkey, { key: licenseKey }, { fingerprint: 'fingerprint', entitlements: ['beta'] })].map(({ code }) => code)).toEqual(['VALID', 'ENTITLEMENTS_MISSING']);
    expect((await verify(licenseKey)).body.features).toEqual(features);
    expect(await eventsOf(id)).toEqual(expect.arrayContaining(['license.created']));
  });

  test('are told with the license’s making, in one event', async () => {
    const { id } = await create({ features: { told_at_once: true } });
    const events = await native('GET', `/events?licenseId=${id}`);
    expect(events).toMatchObject([{ type: 'license.created', data: { entitlements: ['told_at_once'] } }]);
  });

  test('are replaced as a whole: what policy or billing grants stays true, and so does the vendor’s other metadata', async () => {
    const policy = await createPolicy(tillkey);
    const standing = await createEntitlement(tillkey, 'standing');
    await native('POST', `/policies/${policy.id}/entitlements`, { entitlementIds: [standing] });
    const license = await createLicense(tillkey, { policyId: policy.id, license: { metadata: { note: 'mine', featureFlags: { old: 1 } }, entitlementIds: [await createEntitlement(tillkey, 'taken-back')] } });
    expect((await call('GET', named(license.key))).body.features).toEqual({ old: 1, standing: true, 'taken-back': true });
    expect((await put(license.key, { features: { fresh: true, standing: false, max_users: 3 } })).body.features).toEqual({ fresh: true, standing: true, max_users: 3 });
    expect(await native('GET', `/licenses/${license.id}`)).toMatchObject({ metadata: { note: 'mine', featureFlags: { standing: false, max_users: 3 } }, entitlements: ['fresh', 'standing'] });
    expect((await put(license.key, { features: {} })).body.features).toEqual({ standing: true });
    expect((await native('GET', `/licenses/${license.id}`)).metadata).toEqual({ note: 'mine' });
    // Sent back as true, it is not granted a second time: it goes when the policy takes it back.
    await put(license.key, { features: { standing: true } });
    await tillkey.call('DELETE', `/api/v1/policies/${policy.id}/entitlements`, { body: { entitlementIds: [standing] } });
    expect((await call('GET', named(license.key))).body.features).toEqual({});
  });

  test('of one new name, asked for by ten licenses at once, are one entitlement', async () => {
    const body = await order({ features: { at_once: true, and_more: true } });
    // Those that make a product's first policy wait for one another anyway.
    await call('POST', '', { body: { ...body, features: {} } });
    const replies = await Promise.all(Array.from({ length: 10 }, () => call('POST', '', { body })));
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(await query(`select code from entitlements where code in ('at_once', 'and_more') and deleted_at is null order by 1`)).toEqual([{ code: 'and_more' }, { code: 'at_once' }]);
  });

  test('too large for a license’s metadata are refused, and nothing is made of them', async () => {
    const { licenseKey } = await create();
    expect(await put(licenseKey, { maxActivations: 2, features: { never_made: true, big: 'x'.repeat(70_000) } })).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await call('GET', named(licenseKey))).body).toMatchObject({ maxActivations: null, features: {} });
    expect(await query(`select 1 from entitlements where code = 'never_made'`)).toEqual([]);
  });
});

describe('a product’s policy', () => {
  test('is one named default, without a limit, where there was none', async () => {
    const { licenseKey, maxActivations } = await create();
    expect([maxActivations, await policyOf(licenseKey)]).toMatchObject([null, { name: 'default', maxMachines: null, durationDays: null }]);
  });

  test('is the oldest, or the one named default', async () => {
    const body = await order();
    const oldest = await native('POST', '/policies', { productId: body.productId, name: 'Oldest', maxMachines: 2 });
    await native('POST', '/policies', { productId: body.productId, name: 'Newer' });
    expect(await policyOf((await call('POST', '', { body })).body.licenseKey)).toMatchObject({ id: oldest.id });
    const named = await native('POST', '/policies', { productId: body.productId, name: 'default' });
    expect(await policyOf((await call('POST', '', { body })).body.licenseKey)).toMatchObject({ id: named.id });
  });

  test('is made once, also for ten licenses at once', async () => {
    const body = await order();
    const replies = await Promise.all(Array.from({ length: 10 }, () => call('POST', '', { body })));
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(await native('GET', `/policies?productId=${body.productId}`)).toHaveLength(1);
  });

  test('gives the limit and the end that are not said; null is none; what it has already is no override', async () => {
    const body = await order();
    await native('POST', '/policies', { productId: body.productId, name: 'default', maxMachines: 3, durationDays: 30, overridable: false });
    const ordered = async (fields: object) => call('POST', '', { body: { ...body, ...fields } });
    expect((await ordered({})).body).toMatchObject({ maxActivations: 3, expiresAt: '2026-02-14T10:30:00Z' });
    expect((await ordered({ maxActivations: 3, expiresAt: null })).body).toMatchObject({ maxActivations: 3, expiresAt: null });
    for (const maxActivations of [4, null]) expect(await ordered({ maxActivations })).toMatchObject({ status: 422, body: { error: 'overrides_not_allowed' } });
    const { body: { licenseKey } } = await ordered({ expiresAt: '2027-01-15' });
    expect((await put(licenseKey, { maxActivations: 3 })).body).toMatchObject({ maxActivations: 3, expiresAt: '2027-01-15T00:00:00Z' });
    const open = await create({ maxActivations: 2 });
    expect([(await put(open.licenseKey, { maxActivations: null })).body.maxActivations, (await put(open.licenseKey, { maxActivations: 7 })).body.maxActivations]).toEqual([null, 7]);
  });
});

describe('a new license', () => {
  test.each([['customerId', 'customer_not_found'], ['productId', 'product_not_found']])('of an unknown %s is 404, and nothing is made', async (field, error) => {
    const body = await order({ [field]: randomUUID(), features: { [`for_${field.toLowerCase()}`]: true } });
    expect(await call('POST', '', { body })).toMatchObject({ status: 404, body: { error } });
    expect([await native('GET', `/policies?productId=${body.productId}`), await query(`select 1 from entitlements where code = ?`, [`for_${field.toLowerCase()}`])]).toEqual([[], []]);
  });

  test('of a customer who is being deleted is 404', async () => {
    const body = await order();
    const reply = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select 1 from customers where id = $1 for update', [body.customerId]);
      await run('update customers set deleted_at = now() where id = $1', [body.customerId]);
      return commitOnce(call('POST', '', { body }));
    });
    expect(reply).toMatchObject({ status: 404, body: { error: 'customer_not_found' } });
  });

  test('asked for twice under one Idempotency-Key is one', async () => {
    const body = await order();
    const replies = await Promise.all([1, 2].map(() => call('POST', '', { body, headers: { 'idempotency-key': 'once' } })));
    expect(replies[0]!.body).toEqual(replies[1]!.body);
  });
});

describe('a change', () => {
  test('is made together or not at all', async () => {
    const { licenseKey, id } = await create({ features: { kept: true } });
    await put(licenseKey, { status: 'revoked' });
    const before = await native('GET', `/licenses/${id}`);
    expect(await put(licenseKey, { status: 'active', maxActivations: 9, features: { other: true }, expiresAt: null })).toMatchObject({ status: 409, body: { error: 'conflict' } });
    const open = await create();
    expect((await put(open.licenseKey, { status: 'suspended', features: { big: 'x'.repeat(70_000) } })).status).toBe(400);
    expect([await native('GET', `/licenses/${id}`), (await call('GET', named(open.licenseKey))).body]).toEqual([before, open]);
  });

  test('that sends the whole license back changes nothing', async () => {
    const { id } = await create({ maxActivations: 5, features: { api_access: true, max_users: 50 }, expiresAt: '2027-01-15T00:00:00.123Z' });
    const before = await native('GET', `/licenses/${id}`);
    const { body } = await call('GET', named(before.key));
    clock.set(new Date(clock.now().getTime() + 1000));
    expect((await put(before.key, body)).body).toEqual(body);
    expect([await native('GET', `/licenses/${id}`), await eventsOf(id)]).toEqual([before, ['license.created']]);
  });

  test('that sends back features that are flags natively leaves them flags', async () => {
    const metadata = { note: 'mine', featureFlags: { beta: true, both: true, tier: 'gold' } };
    const license = await createLicense(tillkey, { license: { metadata, entitlementIds: [await createEntitlement(tillkey, 'both')] } });
    const before = await native('GET', `/licenses/${license.id}`);
    const { body } = await call('GET', named(license.key));
    await put(license.key, body);
    expect([await native('GET', `/licenses/${license.id}`), await eventsOf(license.id)]).toEqual([before, ['license.created']]);
    await put(license.key, { features: { ...body.features, tier: 'silver' } });
    expect(await native('GET', `/licenses/${license.id}`)).toMatchObject({ metadata: { note: 'mine', featureFlags: { beta: true, both: true, tier: 'silver' } }, entitlements: ['both'] });
    // Of another form it is not shown, and so it is not taken away.
    await native('PATCH', `/licenses/${license.id}`, { metadata: { featureFlags: ['beta'] } });
    await put(license.key, { features: { both: true } });
    expect((await native('GET', `/licenses/${license.id}`)).metadata).toEqual({ featureFlags: ['beta'] });
  });

  const past = '2026-01-01T00:00:00Z';
  const future = '2027-06-01T00:00:00Z';
  test.each<[string, object, object, number, string]>([
    ['active', {}, { status: 'active' }, 200, 'active'],
    ['active', {}, { status: 'expired' }, 400, 'active'],
    ['active', {}, { expiresAt: past }, 200, 'expired'],
    ['suspended', { status: 'suspended' }, { status: 'active' }, 200, 'active'],
    ['suspended', { status: 'suspended' }, { status: 'suspended' }, 200, 'suspended'],
    ['suspended', { status: 'suspended' }, { status: 'revoked' }, 200, 'revoked'],
    ['suspended and past its end', { status: 'suspended', expiresAt: past }, { status: 'active', expiresAt: future }, 200, 'active'],
    ['expired', { expiresAt: past }, { status: 'active' }, 422, 'expired'],
    ['expired', { expiresAt: past }, { status: 'active', expiresAt: future }, 200, 'active'],
    ['expired', { expiresAt: past }, { status: 'active', expiresAt: null }, 200, 'active'],
    ['expired', { expiresAt: past }, { status: 'expired', expiresAt: null }, 200, 'active'],
    ['expired', { expiresAt: past }, { status: 'expired', maxActivations: 1 }, 200, 'expired'],
    ['revoked', { status: 'revoked' }, { status: 'suspended' }, 409, 'revoked'],
  ])('of a license that is %s, %j, then %j, is %i', async (_title, first, second, status, becomes) => {
    const { licenseKey } = await create();
    expect((await put(licenseKey, first)).status).toBe(200);
    expect((await put(licenseKey, second)).status).toBe(status);
    expect((await call('GET', named(licenseKey))).body.status).toBe(becomes);
  });

  test('to a lower limit keeps the devices that run, and lets no more in', async () => {
    const { licenseKey } = await create({ maxActivations: 3 });
    for (const device of ['a', 'b', 'c']) await ask1(licenseKey, device);
    expect((await put(licenseKey, { maxActivations: 1 })).body).toMatchObject({ maxActivations: 1, currentActivations: 3 });
    expect([(await ask1(licenseKey, 'a')).status, (await ask1(licenseKey, 'd')).body.error]).toEqual([200, 'activation_limit_reached']);
  });

  test('of a license that somebody holds, waited for by twenty, keeps no app waiting', async () => {
    const [held, free] = [await create(), await create()];
    const replies = await withRival(tillkey.databaseUrl, async ({ run, untilStuck, commitOnce }) => {
      await run('select 1 from licenses where id = $1 for update', [held.id]);
      const changes = Promise.all(Array.from({ length: 20 }, (_, n) => put(held.licenseKey, { maxActivations: n + 1 })));
      await untilStuck(changes, 4);
      expect((await verify(free.licenseKey)).body.valid).toBe(true);
      return commitOnce(changes);
    });
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });
});

describe('validating', () => {
  test('lets twenty devices in at once up to the limit of five, and each of those again', async () => {
    const { licenseKey } = await create({ maxActivations: 5 });
    const devices = Array.from({ length: 20 }, (_, n) => `device-${n}`);
    const replies = await Promise.all(devices.map((device) => ask1(licenseKey, device)));
    const inside = devices.filter((_, n) => replies[n]!.status === 200);
    expect(inside).toHaveLength(5);
    for (const { body } of replies.filter(({ status }) => status !== 200)) expect(body).toEqual({ valid: false, error: 'activation_limit_reached', message: expect.any(String), maxActivations: 5, currentActivations: 5 });
    expect((await Promise.all(inside.map((device) => ask1(licenseKey, device)))).map(({ status, body }) => [status, body.currentActivations])).toEqual(Array(5).fill([200, 5]));
  });

  const refused: [string, object, (license: any) => Promise<unknown>, number, string, string?][] = [
    ['suspended', {}, ({ licenseKey }) => put(licenseKey, { status: 'suspended' }), 403, 'license_suspended', 'suspended'],
    ['expired', {}, ({ licenseKey }) => put(licenseKey, { expiresAt: '2026-01-01T00:00:00Z' }), 403, 'license_expired', 'expired'],
    ['revoked', {}, ({ licenseKey }) => put(licenseKey, { status: 'revoked' }), 403, 'license_revoked', 'revoked'],
    ['banned', {}, ({ id }) => native('POST', `/licenses/${id}/ban`), 403, 'license_revoked', 'revoked'],
    ['of a banned customer', {}, ({ customerId }) => native('POST', `/customers/${customerId}/ban`), 403, 'license_revoked', 'revoked'],
    ['out of uses', { maxUses: 1 }, ({ licenseKey }) => ask1(licenseKey, 'first'), 403, 'usage_limit_reached', 'active'],
    ['for a device of another license', { fingerprintUniqueness: 'PER_ACCOUNT' }, async () => ask1((await create()).licenseKey, 'wanted'), 403, 'device_taken', 'active'],
  ];
  test.each(refused)('a license that is %s is refused, takes no slot, and changes nothing', async (_title, policy, spoil, status, error, standing) => {
    const body = await order();
    await native('POST', '/policies', { productId: body.productId, name: 'default', ...policy });
    const { body: license } = await call('POST', '', { body });
    await spoil(license);
    const { currentActivations } = (await call('GET', named(license.licenseKey))).body;
    expect(await ask1(license.licenseKey, 'wanted')).toEqual({ status, body: { valid: false, error, message: expect.any(String), status: standing }, headers: expect.anything() });
    expect((await call('GET', named(license.licenseKey))).body.currentActivations).toBe(currentActivations);
  });

  test('out of uses takes no floating slot from a device that is let in', async () => {
    const body = await order();
    await native('POST', '/policies', { productId: body.productId, name: 'default', maxUses: 1, maxMachines: 1, floating: true });
    const { licenseKey } = (await call('POST', '', { body })).body;
    expect([(await ask1(licenseKey, 'first')).status, (await ask1(licenseKey, 'second')).body.error]).toEqual([200, 'usage_limit_reached']);
    expect((await call('GET', `${named(licenseKey)}/activations`)).body).toMatchObject([{ deviceId: 'first' }]);
  });

  test('of ten devices at once with one use left lets one in, and only that one keeps a slot', async () => {
    const body = await order();
    await native('POST', '/policies', { productId: body.productId, name: 'default', maxUses: 1 });
    const { licenseKey } = (await call('POST', '', { body })).body;
    const replies = await Promise.all(Array.from({ length: 10 }, (_, n) => ask1(licenseKey, `device-${n}`)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await call('GET', named(licenseKey))).body.currentActivations).toBe(1);
  });

  test('a device whose heartbeat is overdue is refused until one comes, as natively', async () => {
    const body = await order();
    await native('POST', '/policies', { productId: body.productId, name: 'default', requireHeartbeat: true, heartbeatIntervalMinutes: 1 });
    const { licenseKey } = (await call('POST', '', { body })).body;
    await ask1(licenseKey, 'fingerprint');
    clock.set(new Date(clock.now().getTime() + 180_000));
    expect(await ask1(licenseKey, 'fingerprint')).toMatchObject({ status: 403, body: { error: 'heartbeat_required' } });
    expect((await verify(licenseKey)).body.valid).toBe(true);
    const [{ id }] = (await call('GET', `${named(licenseKey)}/activations`)).body;
    await tillkey.call('POST', `/api/v1/machines/${id}/heartbeat`, { license: licenseKey });
    expect((await ask1(licenseKey, 'fingerprint')).status).toBe(200);
  });

  test('under a policy that allows access past the end goes on, and says expired', async () => {
    const body = await order({ expiresAt: '2026-01-01T00:00:00Z' });
    await native('POST', '/policies', { productId: body.productId, name: 'default', expirationStrategy: 'ALLOW_ACCESS' });
    const { licenseKey } = (await call('POST', '', { body })).body;
    for (const reply of [await verify(licenseKey), await ask1(licenseKey, 'x')]) expect(reply).toMatchObject({ status: 200, body: { valid: true, status: 'expired' } });
  });

  test('is counted and told as natively, the refused as well', async () => {
    const { id, licenseKey } = await create({ maxActivations: 1 });
    await ask1(licenseKey, 'first');
    await ask1(licenseKey, 'second');
    await verify(licenseKey);
    await put(licenseKey, { status: 'suspended' });
    await ask1(licenseKey, 'first');
    await tillkey.service.dependencies.appEvents.flush();
    expect((await eventsOf(id)).filter((type: string) => type.startsWith('validation.')).sort()).toEqual(['validation.failed', 'validation.failed', 'validation.success', 'validation.success']);
    expect((await native('GET', `/licenses/${id}`)).usesCount).toBe(2);
  });

  test('knows the key under either name, in any case and without its dashes, and tells nothing of whose it is', async () => {
    const { licenseKey, id } = await create();
    await native('PATCH', `/licenses/${id}`, { metadata: { secret: 'of the vendor', featureFlags: { a: 1 } }, name: 'Name of the license' });
    const typed = licenseKey.toLowerCase().replaceAll('-', ' ');
    for (const reply of [await call('POST', '/verify', { key: null, body: { key: typed, extra: 1 } }), await call('POST', '/validate', { key: null, body: { key: typed, deviceId: 'd', deviceName: '' } })]) {
      expect(reply).toMatchObject({ status: 200, body: { valid: true, features: { a: 1 } } });
      expect(JSON.stringify(reply.body)).not.toMatch(/example\.com|Jo Doe|vendor|Name of/);
    }
  });

  test('no more often than the limit for validations lets', async () => {
    const limited = await startTestService({ role: 'web', databaseUrl: tillkey.databaseUrl, environment: { RATE_LIMIT_VALIDATE: '1' } });
    const replies = [await verify('unknown-key', limited), await ask1('unknown-key', 'x', limited)];
    await limited.stop();
    expect(replies[0]).toMatchObject({ status: 404, body: { valid: false, error: 'license_not_found' } });
    expect(replies[1]).toMatchObject({ status: 429, body: { error: 'rate_limited' }, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
  });
});

test.each(['a/b..%2F?c#d', '../../etc/passwd', '100%-sure&x=1', 'validate!'])('an imported key, %s, is named as it is in the path', async (key) => {
  await createLicense(tillkey, { license: { key } });
  await ask1(key, 'a/b');
  expect((await call('GET', named(key))).body).toMatchObject({ licenseKey: key, currentActivations: 1 });
  expect((await call('DELETE', `${named(key)}/activations/a%2Fb`)).status).toBe(204);
  expect((await put(key, { status: 'suspended' })).body.status).toBe('suspended');
  expect((await call('DELETE', named(key))).status).toBe(204);
});

describe('the list', () => {
  let key: string;
  const count = 2500;
  beforeAll(async () => {
    const { scopeId } = await insertAccount(tillkey);
    key = await insertApiKey(tillkey, { scopeId });
    const product = (await tillkey.call('POST', '/api/v1/products', { key, body: { name: 'Many', code: 'MANY' } })).body.data;
    const policy = (await tillkey.call('POST', '/api/v1/policies', { key, body: { productId: product.id, name: 'default' } })).body.data;
    const { id } = (await tillkey.call('POST', '/api/v1/licenses', { key, body: { policyId: policy.id } })).body.data;
    const columns = (await query(`select column_name as name from information_schema.columns where table_name = 'licenses' and column_name not in ('id', 'key_hash', 'number')`)).map(({ name }) => name).join(', ');
    await query(`insert into licenses (id, key_hash, ${columns}) select gen_random_uuid(), sha256(n::text::bytea), ${columns} from licenses, generate_series(2, ${count}) n where id = '${id}'`);
  });

  test('of 2,500 licenses arrives whole, as one bare array, each once', async () => {
    const { status, body, headers } = await ask({ method: 'GET', path: '/api/licenses', headers: asJson(key) });
    expect([status, headers['content-type'], headers['transfer-encoding']]).toEqual([200, 'application/json; charset=utf-8', 'chunked']);
    expect([body.length, new Set(body.map(({ id }: any) => id)).size]).toEqual([count, count]);
  });

  test('is paged through by its links, for whoever asks for pages', async () => {
    const few = await insertApiKey(tillkey, await insertAccount(tillkey));
    const { id: policyId } = await createPolicy({ call: (method, path, options) => tillkey.call(method, path, { ...options, key: few }) });
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await tillkey.call('POST', '/api/v1/licenses', { key: few, body: { policyId } })).body.data.id);
    const seen: string[][] = [];
    for (let path: string | undefined = '/api/licenses?limit=2'; path !== undefined; ) {
      const { body, headers }: Heard = await ask({ method: 'GET', path, headers: asJson(few) });
      seen.push(body.map(({ id }: any) => id));
      path = /^<(.*)>; rel="next"$/.exec(String(headers['link']))?.[1];
    }
    expect(seen).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    expect((await call('GET', `?cursor=${ids[0]}`, { key: few })).body.map(({ id }: any) => id)).toEqual(ids.slice(1));
    expect((await call('GET', '?limit=1000', { key })).body).toHaveLength(1000);
  });

  test('is cut off, and nobody takes it for whole, when reading it fails under way', async () => {
    const { scopeId } = (await query(`select scope_id as "scopeId" from licenses group by 1 order by count(*) desc limit 1`))[0];
    // A later page meets a license whose key cannot be read.
    await query(`update licenses set key_encrypted = '\\x00' where id = (select id from licenses where scope_id = ? order by id desc offset 700 limit 1)`, [scopeId]);
    const logged = jest.spyOn(tillkey.service.dependencies.log, 'error');
    await expect(ask({ method: 'GET', path: '/api/licenses', headers: asJson(key) })).rejects.toThrow(/aborted|hang up/);
    expect(logged.mock.calls.filter(([, message]) => message === 'request failed')).toHaveLength(1);
    logged.mockRestore();
    // Who wants no body has none of it read.
    expect(await ask({ method: 'HEAD', path: '/api/licenses', headers: asJson(key) })).toMatchObject({ status: 200, text: '', headers: { 'content-type': 'application/json; charset=utf-8' } });
  });

  test('of an account with no license is empty', async () => {
    expect(await call('GET', '', { key: await insertApiKey(tillkey, await insertAccount(tillkey)) })).toMatchObject({ status: 200, body: [] });
  });
});

describe('nobody else’s key', () => {
  test('sees anything or changes anything', async () => {
    const { licenseKey, id, customerId, productId } = await create();
    await ask1(licenseKey, 'mine');
    const before = await native('GET', `/licenses/${id}`);
    for (const key of [LIVE_KEY, await insertApiKey(tillkey, await insertAccount(tillkey))]) {
      expect((await call('GET', '', { key })).body).toEqual([]);
      for (const [method, path, body] of [['GET', ''], ['PUT', '', { status: 'revoked' }], ['DELETE', ''], ['GET', '/activations'], ['DELETE', '/activations/mine']] as const) {
        expect([method, path, await call(method, `/${licenseKey}${path}`, { key, ...(body && { body }) })]).toMatchObject([method, path, { status: 404, body: { error: 'license_not_found' } }]);
      }
      expect((await call('POST', '', { key, body: { customerId, productId } })).body.error).toBe('product_not_found');
    }
    expect(await native('GET', `/licenses/${id}`)).toEqual(before);
  });

  test('is let in without the permission', async () => {
    const { licenseKey } = await create();
    const scopeId = tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!.id;
    const reader = await insertApiKey(tillkey, { scopeId, scopes: ['licenses:read'] });
    for (const [method, path] of [['POST', ''], ['PUT', `/${licenseKey}`], ['DELETE', `/${licenseKey}`], ['GET', `/${licenseKey}/activations`], ['DELETE', `/${licenseKey}/activations/x`]] as const) {
      expect(await call(method, path, { key: reader })).toMatchObject({ status: 403, body: { error: 'forbidden' } });
      expect(await call(method, path, { key: null })).toMatchObject({ status: 401, body: { error: 'unauthorized' }, headers: { 'www-authenticate': 'Bearer' } });
    }
    expect((await call('GET', `/${licenseKey}`, { key: reader })).status).toBe(200);
  });
});

describe('what is malformed is refused in this shape, and the field named', () => {
  const bodies: [Method, string, unknown, string][] = [
    ['POST', '', {}, 'customerId'], ['POST', '', { customerId: 'x', productId: randomUUID() }, 'customerId'], ['POST', '', { customerId: randomUUID(), productId: 7 }, 'productId'],
    ...['5', 0, -1, 1.5, 1e12, true, [], {}].map((maxActivations): [Method, string, unknown, string] => ['PUT', '/x', { maxActivations }, 'maxActivations']),
    ...['soon', '2027-02-30', '2027-01-15T00:00:00', 5, {}, '0000-01-01T00:00:00Z', '0000-01-01'].map((expiresAt): [Method, string, unknown, string] => ['PUT', '/x', { expiresAt }, 'expiresAt']),
    ...['x', [], 5, { 'a\u0000': 1 }, Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`f${n}`, n]))].map((features): [Method, string, unknown, string] => ['PUT', '/x', { features }, '']),
    ...['banned', 'ACTIVE', 1, {}].map((status): [Method, string, unknown, string] => ['PUT', '/x', { status }, 'status']),
    ['POST', '/verify', {}, 'licenseKey'], ['POST', '/verify', { licenseKey: 5 }, 'licenseKey'], ['POST', '/verify', { licenseKey: '' }, 'licenseKey'], ['POST', '/verify', { key: ['x'] }, 'key'],
    ['POST', '/validate', { licenseKey: 'x' }, 'deviceId'], ['POST', '/validate', { licenseKey: 'x', deviceId: '' }, 'deviceId'], ['POST', '/validate', { licenseKey: 'x', deviceId: 'd'.repeat(257) }, 'deviceId'],
    ['POST', '/validate', { deviceId: 'd' }, 'licenseKey'], ['POST', '/validate', { licenseKey: 'x', deviceId: 'd', deviceName: 5 }, 'deviceName'], ['POST', '/validate', { licenseKey: 'x', deviceId: 'a\u0000' }, 'deviceId'],
  ];
  test.each(bodies.map((row) => [JSON.stringify(row[2]).slice(0, 60), ...row] as const))('%s', async (_title, method, path, body, field) => {
    const reply = await call(method, path, { body });
    expect(reply).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(reply.body.message).toContain(field);
  });

  const raw: [string, string, string, Record<string, string>, number, string][] = [
    ['POST', '/verify', '{', {}, 400, 'invalid_request'], ['POST', '/verify', '[]', {}, 400, 'invalid_request'], ['POST', '/verify', 'null', {}, 400, 'invalid_request'], ['PUT', '/x', '"x"', {}, 400, 'invalid_request'],
    ['POST', '/verify', 'licenseKey=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
    ['POST', '/verify', JSON.stringify({ licenseKey: 'x'.repeat(1_100_000) }), {}, 413, 'payload_too_large'],
    ['GET', '/%ff', '', {}, 400, 'invalid_request'], ['GET', '/a%00b', '', {}, 400, 'invalid_request'], ['GET', `/${'x'.repeat(5000)}`, '', {}, 404, 'license_not_found'],
    ['GET', '?limit=0', '', {}, 400, 'invalid_request'], ['GET', '?limit=1001', '', {}, 400, 'invalid_request'], ['GET', '?limit=1&limit=2', '', {}, 400, 'invalid_request'], ['GET', '?cursor=x', '', {}, 400, 'invalid_request'], ['GET', `?cursor=${randomUUID()}`, '', {}, 400, 'invalid_request'],
    ['PATCH', '/x', '', {}, 405, 'method_not_allowed'], ['PUT', '', '', {}, 405, 'method_not_allowed'], ['POST', '/x/activations', '', {}, 405, 'method_not_allowed'],
    ['GET', '/x/y', '', {}, 404, 'not_found'], ['POST', '/x/y/z/w', '', {}, 404, 'not_found'],
  ];
  test.each(raw.map((row) => [row.slice(0, 3).join(' ').slice(0, 60), ...row] as const))('%s', async (_title, method, path, body, headers, status, error) => {
    const heard = await ask({ method, path: `/api/licenses${path}`, headers: { ...asJson(TEST_KEY), ...headers }, ...(body && { body }) });
    expect([heard.status, heard.body?.error, typeof heard.body?.message, heard.headers['content-type']]).toEqual([status, error, 'string', 'application/json; charset=utf-8']);
    if (status === 405) expect(heard.headers['allow']).toContain('OPTIONS');
  });
});

test('a license that is bought is there at once, with the same limit and state, through its whole life', async () => {
  const shop = await startTestService();
  try {
    await createCatalog(shop, { policy: { maxMachines: 2 }, mapping: { entitlementIds: [(await shop.call('POST', '/api/v1/entitlements', { body: { code: 'sso', name: 'SSO' } })).body.data.id] } });
    const { events, subscription } = firstMonth();
    for (const sent of events) await deliver(shop.url, sent);
    await shop.settled();
    const [license] = (await call('GET', '', {}, shop)).body;
    const expiresAt = new Date(subscription.items.data[0]!.current_period_end * 1000).toISOString().replace('.000', '');
    expect(license).toMatchObject({ status: 'active', maxActivations: 2, currentActivations: 0, features: { sso: true }, expiresAt });
    const { licenseKey } = license;
    expect((await verify(licenseKey, shop)).body).toEqual({ valid: true, status: 'active', features: { sso: true }, expiresAt });
    expect(await Promise.all(['a', 'b', 'c'].map(async (device) => (await ask1(licenseKey, device, shop)).status))).toEqual(expect.arrayContaining([200, 200, 400]));
    // Sent back as a whole, it is as it was: what Stripe says of its end goes on counting.
    expect((await call('PUT', named(licenseKey), { body: license }, shop)).body).toEqual({ ...license, currentActivations: 2 });
    await deliver(shop.url, event('customer.subscription.deleted', { ...subscription, status: 'canceled', ended_at: unix() - 60 }, { created: unix() + 5 }));
    await shop.settled();
    expect((await verify(licenseKey, shop)).body).toMatchObject({ valid: false, status: 'expired' });
    expect((await ask1(licenseKey, 'a', shop)).body).toMatchObject({ error: 'license_expired', status: 'expired' });
  } finally {
    await shop.stop();
  }
});
