import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createCatalog } from '../support/catalog.ts';
import { activate, createLicense } from '../support/license.ts';
import { startTestService, testClock, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';

const DAY_MS = 86_400_000;
const begin = new Date();
const clock = testClock(begin);
const onDay = (day: number) => clock.set(new Date(begin.getTime() + day * DAY_MS));
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ clock });
  await createCatalog(tillkey, { mapping: { gracePeriodDays: 7 } });
});
afterAll(() => tillkey.stop());

/** What we promise of a record. */
const text = { type: 'string', minLength: 1 };
const count = { type: 'integer', minimum: 0 };
const time = { type: 'string', format: 'date-time' };
const object = (properties: object, required: string[] = []) => ({ type: 'object', properties, required, additionalProperties: false });
const promised = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...object({
    entitlement_id: text,
    product: text,
    license_type: { enum: ['perpetual', 'subscription', 'trial', 'node-locked', 'floating'] },
    license_key: text,
    customer: object({ id: text, name: text, email: { type: 'string', format: 'email' } }, ['id']),
    seats: count,
    seats_consumed: count,
    valid_from: time,
    valid_until: time,
    status: { enum: ['active', 'suspended', 'expired', 'revoked', 'pending'] },
    activation: object({ max_activations: count, offline_grace_period_days: count }),
    issuer: { const: 'other' },
  }, ['entitlement_id', 'product', 'license_type', 'license_key', 'seats_consumed', 'valid_from', 'status', 'issuer']),
};
const ajv = new Ajv2020({ strict: true, allErrors: true });
// The package is CommonJS: its one export is under the name that it has there.
addFormats.default(ajv);
const isPromised = ajv.compile(promised);

const get = async (path: string) => (await tillkey.call('GET', `/api/v1${path}`)).body;
const recordOf = async ({ id }: { id: string }) => {
  const { data } = await get(`/licenses/${id}/entitlement-record`);
  expect([isPromised(data), isPromised.errors, data]).toEqual([true, null, data]);
  return data;
};
const act = (license: { id: string }, action: string, body: object = {}) => tillkey.call('POST', `/api/v1/licenses/${license.id}/${action}`, { body });
const buy = async (n: number, email: string, price = 'price_1') => {
  const { events, ...objects } = firstMonth({ n, email, price });
  for (const sent of events) await deliver(tillkey.url, sent);
  await tillkey.settled();
  const [license] = (await get(`/licenses?stripeSubscriptionId=sub_${n}`)).data;
  return { license, ...objects };
};

test('every field of a record says what the license is', async () => {
  const license = await createLicense(tillkey, { policy: { maxMachines: 2, offlineMaxDays: 30 }, license: { userEmail: 'jo@example.com', userName: 'Jo', expiresAt: '2090-01-01T00:00:00Z' } });
  await activate(tillkey, license, 'fingerprint');
  expect(await recordOf(license)).toEqual({
    entitlement_id: license.id, product: 'Acme Pro', license_type: 'node-locked', license_key: license.key,
    customer: { id: license.customerId, name: 'Jo', email: 'jo@example.com' },
    seats: 2, seats_consumed: 1, valid_from: license.createdAt, valid_until: '2090-01-01T00:00:00.000Z', status: 'active',
    activation: { max_activations: 2, offline_grace_period_days: 30 }, issuer: 'other',
  });
});

describe('the type of a license is the first that holds', () => {
  const all = { isTrial: true, durationDays: 30, floating: true, maxMachines: 1 };
  test.each<[string, object]>([
    ['trial', all],
    ['trial', { template: 'trial' }],
    ['subscription', { ...all, isTrial: false }],
    ['floating', { floating: true, maxMachines: 1 }],
    ['floating', { template: 'cli_tool' }],
    ['node-locked', { maxMachines: 1 }],
    ['perpetual', { maxMachines: 1, requireFingerprint: false }],
    ['perpetual', {}],
  ])('%s, under a policy of %j', async (type, policy) => {
    expect((await recordOf(await createLicense(tillkey, { policy }))).license_type).toBe(type);
  });

  test('and a subscription in Stripe is one', async () => {
    const { license } = await buy(1, 'sub@example.com');
    expect(await recordOf(license)).toMatchObject({ license_type: 'subscription', status: 'active', valid_until: license.expiresAt });
  });
});

describe('what is not known, or is not there, is left out', () => {
  test('a customer, an end, a limit and offline days', async () => {
    const record = await recordOf(await createLicense(tillkey, { policy: { offlineAllowed: false } }));
    expect(Object.keys(record).sort()).toEqual(['activation', 'entitlement_id', 'issuer', 'license_key', 'license_type', 'product', 'seats_consumed', 'status', 'valid_from']);
    expect(record.activation).toEqual({});
  });

  test('a name, and an address that is none by the format of the record', async () => {
    const { license } = await buy(2, 'jörg@müller.example');
    expect((await recordOf(license)).customer).toEqual({ id: license.customerId, name: 'Jo' });
    const nameless = await createLicense(tillkey, { license: { userEmail: 'a@b-.com' } });
    expect((await recordOf(nameless)).customer).toEqual({ id: nameless.customerId });
  });

  test('and many seats are told', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2_147_483_646 } });
    expect(await recordOf(license)).toMatchObject({ seats: 2_147_483_646, activation: { max_activations: 2_147_483_646 } });
  });
});

describe('the status', () => {
  test.each([['suspended', 'suspend'], ['revoked', 'revoke'], ['revoked', 'ban']])('is %s after the vendor’s %s', async (status, action) => {
    const license = await createLicense(tillkey);
    await act(license, action);
    expect((await recordOf(license)).status).toBe(status);
  });

  test('is revoked for whoever is banned, and expired past the end', async () => {
    const license = await createLicense(tillkey, { license: { userEmail: 'banned@example.com' } });
    await tillkey.call('POST', `/api/v1/customers/${license.customerId}/ban`);
    expect((await recordOf(license)).status).toBe('revoked');
    expect(await recordOf(await createLicense(tillkey, { license: { expiresAt: '2020-01-01T00:00:00Z' } }))).toMatchObject({ status: 'expired', valid_until: '2020-01-01T00:00:00.000Z' });
  });

  test('of an unpaid subscription is active until grace is over, then pending, and suspended where the vendor says so', async () => {
    const { license, subscription, invoice } = await buy(3, 'unpaid@example.com');
    const [item] = subscription.items.data;
    const ends = item!.current_period_end;
    const period = { start: ends, end: ends + 30 * 86_400 };
    onDay(31);
    const renewed = { ...subscription, status: 'past_due', items: { data: [{ ...item, current_period_start: period.start, current_period_end: period.end }] } };
    const failed = { ...invoice, id: 'in_failed', status: 'open', billing_reason: 'subscription_cycle', created: ends, lines: { data: [{ ...invoice.lines.data[0], id: 'il_failed', period }] } };
    await deliver(tillkey.url, event('customer.subscription.updated', renewed, { created: unix(30) }));
    await deliver(tillkey.url, event('invoice.payment_failed', failed, { created: ends }));
    await tillkey.settled();
    const graceEndsAt = new Date((ends + 7 * 86_400) * 1000).toISOString();
    expect(await recordOf(license)).toMatchObject({ status: 'active', valid_until: graceEndsAt });
    await act(license, 'suspend');
    onDay(38);
    expect((await recordOf(license)).status).toBe('suspended');
    await act(license, 'reinstate');
    expect(await recordOf(license)).toMatchObject({ status: 'pending', valid_until: license.expiresAt });
  });
});

describe('the list', () => {
  test('has every license of the mixed set, each as it reads alone and as promised', async () => {
    const seen: any[] = [];
    let cursor: string | null = null;
    do {
      const { data, pagination } = await get(`/entitlement-records?limit=7${cursor ? `&cursor=${cursor}` : ''}`);
      seen.push(...data);
      cursor = pagination.nextCursor;
    } while (cursor !== null);
    const licenses = (await get('/licenses?limit=100')).data;
    expect(seen.map((record) => record.entitlement_id)).toEqual(licenses.map(({ id }: any) => id));
    for (const record of seen) expect(await recordOf({ id: record.entitlement_id })).toEqual(record);
    expect([...new Set(seen.map(({ license_type }) => license_type))].sort()).toEqual(['floating', 'node-locked', 'perpetual', 'subscription', 'trial']);
    expect([...new Set(seen.map(({ status }) => status))].sort()).toEqual(['active', 'expired', 'pending', 'revoked', 'suspended']);
  });

  test.each(['status=active', 'limit=101', 'cursor=x'])('with %s is 400', async (query) => {
    expect((await tillkey.call('GET', `/api/v1/entitlement-records?${query}`)).status).toBe(400);
  });
});
