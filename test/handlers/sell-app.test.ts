import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { sellApp } from '../../src/handlers/compat/sell-app.ts';
import type { OtherInterface } from '../../src/handlers/compat/other-interface.ts';
import { AppError } from '../../src/errors.ts';
import { createCatalog } from '../support/catalog.ts';
import { routeOf, undocumented } from '../support/documented.ts';
import { createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { type CallOptions, LIVE_KEY, type Method, type Reply, startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

let tillkey: TestService;
let own: OtherInterface;
beforeAll(async () => {
  tillkey = await startTestService({ environment: { RATE_LIMIT_ACTIVATE: '0', PUBLIC_URL: 'https://licenses.example.com/' } });
  own = sellApp(tillkey.service.dependencies);
});
afterAll(() => tillkey.stop());

const failureShape = z.strictObject({ message: z.string().min(1), errors: z.record(z.string(), z.array(z.string().min(1)).min(1)).optional() });

/** Asks, and holds every answer to the shape it has here. */
const ask = async (method: Method, path: string, options: CallOptions = {}): Promise<Reply> => {
  const reply = await tillkey.call(method, `/api/v2${path}`, options);
  if (reply.status < 400) expect(undocumented(routeOf(own.routes, method, `/api/v2${path}`), reply)).toBeNull();
  else expect([reply.status, failureShape.safeParse(reply.body).error, 'errors' in reply.body]).toEqual([reply.status, undefined, reply.status === 422]);
  return reply;
};
const get = async (path: string, options: CallOptions = {}) => (await ask('GET', path, options)).body;
const post = (path: string, body: object, options: CallOptions = {}) => ask('POST', `/licenses/${path}`, { body, ...options });
const activateKey = (license: { key: string }, name = 'zezima@example.com', options: CallOptions = {}) => post('activate', { license_key: license.key, instance_name: name }, options);
const validateKey = async (license: { key: string }, more: object = {}) => (await post('validate', { license_key: license.key, ...more })).body.data;
const patch = (id: number, body: unknown, options: CallOptions = {}) => ask('PATCH', `/license-keys/${id}`, { body, ...options });
/** What this interface shows of a license that was made natively. */
const shown = async (license: { key: string }) => (await validateKey(license)).license_key;
const instancesOf = async (id: number) => (await get(`/license-keys/${id}/instances?limit=100`)).data;
const native = async (id: string) => (await tillkey.call('GET', `/api/v1/licenses/${id}`)).body.data;
const eventsOf = async (id: string) => (await tillkey.call('GET', `/api/v1/events?licenseId=${id}&limit=100`)).body.data.map(({ type }: any) => type);
/** A store of its own: an account with a key, through which support functions may call. */
const store = async () => {
  const key = await insertApiKey(tillkey, await insertAccount(tillkey));
  const call: TestService['call'] = (method, path, options = {}) => tillkey.call(method, path, { key, ...options });
  return { key, call };
};

describe('what is shown', () => {
  test('of a license key is every field of it, by whole numbers and moments', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3 }, license: { userEmail: 'jo@example.com', expiresAt: '2031-01-01T00:00:00Z' } });
    await activateKey(license);
    const { id } = await shown(license);
    const { data } = await get(`/license-keys/${id}`);
    const whole = expect.any(Number);
    expect(data).toEqual({
      id, key: license.key, limit: 3, active: true, status: 'ACTIVE', expires_at: '2031-01-01T00:00:00.000Z', is_expired: false,
      store_id: whole, order_id: null, invoice_id: null, product_id: whole, variant_id: whole, customer_id: whole, subscription_id: null,
      created_at: license.createdAt, updated_at: license.updatedAt, instances_count: 1,
    });
    for (const number of ['id', 'store_id', 'product_id', 'variant_id', 'customer_id']) expect(data[number]).toBeGreaterThan(0);
    expect(data.store_id).toBe(tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')?.id);
  });

  test('of an instance is every field of it, wherever it is read', async () => {
    const license = await createLicense(tillkey);
    const { status, body } = await activateKey(license, 'Grace’s laptop');
    const { id, store_id } = await shown(license);
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const now = tillkey.clock.now().toISOString();
    expect([status, body.data]).toEqual([200, { id: uuid, license_key_id: id, name: 'Grace’s laptop', store_id, created_at: now, updated_at: now }]);
    expect((await get(`/license-keys/${id}/instances/${body.data.id}`)).data).toEqual(body.data);
    expect(await instancesOf(id)).toEqual([body.data]);
    expect((await get('/license-key-instances')).data).toContainEqual(body.data);
    expect(await validateKey(license, { instance_id: body.data.id })).toMatchObject({ valid: true, instance: body.data });
    expect((await tillkey.call('GET', `/api/v1/machines/${body.data.id}`)).body.data).toMatchObject({ name: 'Grace’s laptop', fingerprint: uuid });
  });

  test('of what sell.app has none of is as its readers expect it: nobody is customer 0, and a machine without a name has its fingerprint', async () => {
    const license = await createLicense(tillkey);
    await tillkey.call('POST', '/api/v1/machines', { body: { licenseId: license.id, fingerprint: 'a fingerprint' } });
    const data = await shown(license);
    expect(data).toMatchObject({ customer_id: 0, limit: null, expires_at: null, is_expired: false });
    expect(await instancesOf(data.id)).toMatchObject([{ name: 'a fingerprint' }]);
  });

  test('has whole numbers that stay through every change, each of one license alone', async () => {
    const policy = await createPolicy(tillkey);
    const licenses = [];
    for (let n = 0; n < 3; n += 1) licenses.push(await createLicense(tillkey, { policyId: policy.id, license: { userEmail: `n-${n}@example.com` } }));
    const before = await Promise.all(licenses.map(shown));
    expect(new Set(before.map(({ id }) => id)).size).toBe(3);
    expect(new Set(before.map(({ customer_id }) => customer_id)).size).toBe(3);
    expect(new Set(before.map(({ variant_id, product_id }) => `${variant_id} ${product_id}`)).size).toBe(1);
    const [{ id }] = before;
    await patch(id, { limit: 2, active: false, expires_at: '2032-01-01T00:00:00Z' });
    const { key } = (await tillkey.call('POST', `/api/v1/licenses/${licenses[0].id}/rotate-key`)).body.data;
    await tillkey.call('PATCH', `/api/v1/policies/${policy.id}`, { body: { name: 'Renamed' } });
    const numbersOf = ({ id: own, store_id, product_id, variant_id, customer_id }: any) => [own, store_id, product_id, variant_id, customer_id];
    expect(numbersOf((await get(`/license-keys/${id}`)).data)).toEqual(numbersOf(before[0]));
    expect((await get(`/license-keys/${id}`)).data.key).toBe(key);
  });
});

describe('pages', () => {
  test('through 40 license keys and their instances find each once, newest first, and are empty beyond the end', async () => {
    const { key, call } = await store();
    const policy = await createPolicy({ call });
    const create = async () => {
      const license = await createLicense({ call }, { policyId: policy.id });
      await activateKey(license, license.key, { key });
      return license.key;
    };
    const keys = await Promise.all(Array.from({ length: 39 }, create));
    const newest = await create();
    for (const [list, field] of [['license-keys', 'key'], ['license-key-instances', 'name']] as const) {
      for (const [query, limit] of [['', 15], ['&limit=7', 7], ['&limit=100', 100]] as const) {
        const found: string[] = [];
        for (let page = 1, last = 1; page <= last; page += 1) {
          const { data, meta, links } = await get(`/${list}?page=${page}${query}`, { key });
          expect(meta).toMatchObject({ current_page: page, per_page: limit, total: 40, last_page: Math.ceil(40 / limit), from: found.length + 1, to: found.length + data.length });
          expect(links.next).toBe(page < meta.last_page ? `https://licenses.example.com/api/v2/${list}?page=${page + 1}&limit=${limit}` : null);
          found.push(...data.map((row: any) => row[field]));
          last = meta.last_page;
        }
        expect([found[0], found.toSorted()]).toEqual([newest, [...keys, newest].sort()]);
      }
      for (const page of [41, 2_147_483_647]) expect(await get(`/${list}?page=${page}`, { key })).toMatchObject({ data: [], meta: { current_page: page, from: null, to: null, total: 40 } });
    }
  });

  test('of the instances of one license key have its own alone', async () => {
    const [license, other] = [await createLicense(tillkey), await createLicense(tillkey)];
    const names = Array.from({ length: 4 }, (_, n) => `device ${n}`);
    for (const name of names) await activateKey(license, name);
    await activateKey(other);
    const { id } = await shown(license);
    const [first, second] = [await get(`/license-keys/${id}/instances?limit=3`), await get(`/license-keys/${id}/instances?limit=3&page=2`)];
    expect([...first.data, ...second.data].map(({ name }: any) => name)).toEqual(names.toReversed());
    expect(second.meta).toMatchObject({ total: 4, from: 4, to: 4, last_page: 2, path: `https://licenses.example.com/api/v2/license-keys/${id}/instances` });
  });
});

describe('validating', () => {
  test('judges and counts as the native question does', async () => {
    const license = await createLicense(tillkey, { policy: { maxUses: 2 } });
    expect([(await validateKey(license)).valid, (await validateKey(license)).valid, (await validateKey(license)).valid]).toEqual([true, true, false]);
    expect(await native(license.id)).toMatchObject({ usesCount: 2 });
    await tillkey.service.dependencies.appEvents.flush();
    expect((await eventsOf(license.id)).filter((type: string) => type.startsWith('validation.')).sort()).toEqual(['validation.failed', 'validation.success', 'validation.success']);
  });

  test('of an instance is about the device, not about a slot that is free', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1, requireHeartbeat: true, heartbeatIntervalMinutes: 1, heartbeatCullStrategy: 'KEEP_DEAD' } });
    const { id } = (await activateKey(license)).body.data;
    const began = tillkey.clock.now();
    expect(await validateKey(license, { instance_id: id })).toMatchObject({ valid: true, instance: { id } });
    tillkey.clock.set(new Date(began.getTime() + 3 * 60_000));
    expect(await validateKey(license, { instance_id: id })).toMatchObject({ valid: false, instance: { id } });
    expect(await validateKey(license, { instance_id: null })).toMatchObject({ valid: true, instance: null });
    tillkey.clock.set(began);
  });

  test('of an instance of another license key or of none is not valid, and counts nothing', async () => {
    const [license, other] = [await createLicense(tillkey, { policy: { requireFingerprint: false } }), await createLicense(tillkey)];
    const theirs = (await activateKey(other)).body.data.id;
    for (const instance_id of [theirs, randomUUID(), 'laptop-maya']) expect(await validateKey(license, { instance_id })).toMatchObject({ valid: false, instance: null, license_key: { key: license.key, active: true } });
    expect(await native(license.id)).toMatchObject({ usesCount: 0, lastValidatedAt: null });
  });

  test('of a key that nobody has is 404', async () => {
    for (const path of ['validate', 'activate', 'deactivate']) expect((await post(path, { license_key: 'NOBODY-HAS-THIS', instance_name: 'x', instance_id: randomUUID() })).status).toBe(404);
  });
});

describe('activating', () => {
  test('makes an instance each time, also for one name, up to the limit', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2 } });
    const ids = [(await activateKey(license)).body.data.id, (await activateKey(license)).body.data.id];
    expect(new Set(ids).size).toBe(2);
    const { status, body } = await activateKey(license);
    expect([status, body.message, body.errors]).toEqual([422, expect.stringContaining('2 of 2'), { license_key: [body.message] }]);
  });

  test.each([
    ['switched off', async ({ id, key }: any) => patch((await shown({ key })).id, { active: false }).then(() => id), 'suspended'],
    ['suspended', async ({ id }: any) => tillkey.call('POST', `/api/v1/licenses/${id}/suspend`), 'suspended'],
    ['revoked', async ({ id }: any) => tillkey.call('POST', `/api/v1/licenses/${id}/revoke`), 'revoked'],
    ['banned', async ({ id }: any) => tillkey.call('POST', `/api/v1/licenses/${id}/ban`), 'banned'],
    ['expired', async ({ id }: any) => tillkey.call('PATCH', `/api/v1/licenses/${id}`, { body: { expiresAt: '2020-01-01T00:00:00Z' } }), 'expired'],
  ])('a license that is %s is refused, and says why', async (_title, spoil, word) => {
    const license = await createLicense(tillkey);
    await spoil(license);
    const { status, body } = await activateKey(license);
    expect([status, body.errors]).toEqual([422, { license_key: [expect.stringContaining(word)] }]);
    expect(await validateKey(license)).toMatchObject({ valid: false, license_key: { instances_count: 0 } });
  });

  test('is repeated under one Idempotency-Key with one effect', async () => {
    const license = await createLicense(tillkey);
    const headers = { 'idempotency-key': randomUUID() };
    const [first, again] = [await activateKey(license, 'a device', { headers }), await activateKey(license, 'a device', { headers })];
    expect(again.body).toEqual(first.body);
    expect(await shown(license)).toMatchObject({ instances_count: 1 });
  });
});

describe('deactivating', () => {
  test('frees the slot, whatever the policy lets customers do, and once', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1, allowMachineTransfer: false } });
    const { id } = (await activateKey(license)).body.data;
    const deactivate = () => post('deactivate', { license_key: license.key, instance_id: id });
    expect((await deactivate()).body).toEqual({ data: { deactivated: true, instance_id: id } });
    expect((await deactivate()).status).toBe(404);
    expect(await validateKey(license, { instance_id: id })).toMatchObject({ valid: false, instance: null });
    expect((await activateKey(license)).status).toBe(200);
  });

  test('leaves the instances of other license keys', async () => {
    const [license, other] = [await createLicense(tillkey), await createLicense(tillkey)];
    const { id } = (await activateKey(other)).body.data;
    expect((await post('deactivate', { license_key: license.key, instance_id: id })).status).toBe(404);
    const { id: number } = await shown(license);
    expect((await ask('GET', `/license-keys/${number}/instances/${id}`)).status).toBe(404);
    expect(await shown(other)).toMatchObject({ instances_count: 1 });
  });
});

describe('active', () => {
  test('is apart from the status, which says what the license would be if it were switched on', async () => {
    const license = await createLicense(tillkey);
    const { id } = await shown(license);
    expect((await patch(id, { active: false })).body.data).toMatchObject({ active: false, status: 'ACTIVE' });
    expect(await native(license.id)).toMatchObject({ status: 'suspended' });
    expect(await validate(tillkey, license, { fingerprint: 'a fingerprint' })).toMatchObject({ valid: false, code: 'SUSPENDED' });
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { expiresAt: '2020-01-01T00:00:00Z' } });
    expect((await get(`/license-keys/${id}`)).data).toMatchObject({ active: false, status: 'EXPIRED', is_expired: true });
    expect((await patch(id, { active: true, expires_at: null })).body.data).toMatchObject({ active: true, status: 'ACTIVE', is_expired: false });
    expect(await native(license.id)).toMatchObject({ status: 'active', expiresAt: null });
    expect(await eventsOf(license.id)).toEqual(expect.arrayContaining(['license.suspended', 'license.reinstated']));
  });

  test('that changes no status is told as an update', async () => {
    const license = await createLicense(tillkey);
    const { id } = await shown(license);
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/suspend`);
    await patch(id, { active: false });
    await patch(id, { active: true });
    expect((await eventsOf(license.id)).filter((type: string) => /updated|suspended|reinstated/.test(type))).toEqual(['license.updated', 'license.updated', 'license.suspended']);
  });

  test('off, its customer hears nothing of a payment that failed', async () => {
    await createCatalog(tillkey, { stripePriceId: 'price_off' });
    const { events, invoice } = firstMonth({ n: 77, price: 'price_off', email: 'off@example.com' });
    for (const sent of events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    const [bought] = (await tillkey.call('GET', '/api/v1/licenses?userEmail=off@example.com')).body.data;
    await patch((await shown(bought)).id, { active: false });
    await deliver(tillkey.url, event('invoice.payment_failed', { ...invoice, id: 'in_77_2', status: 'open', billing_reason: 'subscription_cycle' }));
    await deliver(tillkey.url, event('customer.subscription.updated', { id: 'sub_77', customer: 'cus_77', status: 'past_due', items: { data: [{ id: 'si_77', quantity: 1, price: { id: 'price_off', product: 'prod_1' }, current_period_start: unix(), current_period_end: unix() + 30 * 86_400 }] } }));
    await tillkey.settled();
    expect(await native(bought.id)).toMatchObject({ status: 'suspended', billing: { state: 'GRACE' } });
    expect((await tillkey.mails()).filter(({ to }: any) => JSON.stringify(to).includes('off@example.com'))).toHaveLength(1);
  });

  test('stays while the vendor suspends, and a native reinstatement switches on', async () => {
    const license = await createLicense(tillkey);
    const { id } = await shown(license);
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/suspend`);
    expect(await shown(license)).toMatchObject({ active: true, status: 'INACTIVE' });
    await patch(id, { active: false });
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/reinstate`);
    expect(await shown(license)).toMatchObject({ active: true, status: 'ACTIVE' });
  });

  test.each([['revoke'], ['ban']])('does not bring back what was ended by %s', async (action) => {
    const license = await createLicense(tillkey);
    const { id } = await shown(license);
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/${action}`);
    expect((await patch(id, { active: true })).body.data).toMatchObject({ active: true, status: 'INACTIVE' });
    expect((await activateKey(license)).status).toBe(422);
  });
});

describe('changing a license key', () => {
  test('to a lower limit takes off the instances that were activated first', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 5 } });
    for (let n = 1; n <= 5; n += 1) await activateKey(license, `device ${n}`);
    const { id } = await shown(license);
    expect((await patch(id, { limit: 2 })).body.data).toMatchObject({ limit: 2, instances_count: 2 });
    expect((await instancesOf(id)).map(({ name }: any) => name)).toEqual(['device 5', 'device 4']);
    expect((await eventsOf(license.id)).filter((type: string) => type === 'machine.deactivated')).toHaveLength(3);
    expect(await native(license.id)).toMatchObject({ maxMachines: 2, maxMachinesOverride: 2 });
    expect((await activateKey(license)).status).toBe(422);
  });

  test('to no limit, and back to what it would inherit, which is no override', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1 } });
    const { id } = await shown(license);
    expect((await patch(id, { limit: null })).body.data).toMatchObject({ limit: null });
    expect((await validate(tillkey, license)).license).toMatchObject({ maxMachines: null });
    expect([(await activateKey(license)).status, (await activateKey(license)).status]).toEqual([200, 200]);
    expect((await patch(id, { limit: 1 })).body.data).toMatchObject({ limit: 1, instances_count: 1 });
    expect(await native(license.id)).toMatchObject({ maxMachines: 1, maxMachinesOverride: null });
  });

  test('while 20 devices are activated at once never leaves more than the limit', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 30 } });
    const { id } = await shown(license);
    for (let n = 1; n <= 4; n += 1) await activateKey(license, `device ${n}`);
    await withRival(tillkey.databaseUrl, async (rival) => {
      // The change has written the limit and waits to take the first device off when the others ask.
      await rival.run('select 1 from machines where license_id = $1 for update', [license.id]);
      const lowered = patch(id, { limit: 3 });
      await rival.untilStuck(lowered);
      const activations = Promise.all(Array.from({ length: 20 }, () => activateKey(license)));
      await rival.untilStuck(activations, 4);
      await rival.run('commit');
      expect([(await lowered).status, (await activations).map(({ status }) => status)]).toEqual([200, Array(20).fill(422)]);
    });
    expect((await instancesOf(id)).map(({ name }: any) => name)).toEqual(['device 4', 'device 3', 'device 2']);
  });

  test.each(['PATCH', 'PUT'] as const)('by %s passes over what is read-only: a whole one that is sent back changes nothing', async (method) => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3, overridable: false, durationDays: 30 } });
    for (let n = 0; n < 3; n += 1) await activateKey(license);
    const before = await shown(license);
    await tillkey.call('PATCH', `/api/v1/policies/${license.policyId}`, { body: { maxMachines: 2 } });
    const told = (await eventsOf(license.id)).length;
    const { status, body } = await ask(method, `/license-keys/${before.id}`, { body: { ...before, limit: 2, status: 'EXPIRED', key: 'MINE', id: 5, customer_id: 9, is_expired: true, instances_count: 8 } });
    expect([status, body.data]).toEqual([200, { ...before, limit: 2 }]);
    expect(await eventsOf(license.id)).toHaveLength(told);
    expect((await tillkey.service.dependencies.database.em.fork().execute('select vendor_expires_at from licenses where id = ?', [license.id]))).toEqual([{ vendor_expires_at: null }]);
  });

  test('takes the numbers that sell.app says for true and false, and null for nothing said', async () => {
    const { id } = await shown(await createLicense(tillkey));
    expect((await patch(id, { active: 0 })).body.data.active).toBe(false);
    expect((await patch(id, { active: null })).body.data.active).toBe(false);
    expect((await patch(id, { active: 1 })).body.data.active).toBe(true);
    expect((await patch(id, { expires_at: '2031-05-03T20:00:00.000000Z' })).body.data.expires_at).toBe('2031-05-03T20:00:00.000Z');
  });

  test('where the policy allows no overrides changes all or nothing', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2, overridable: false } });
    const before = await shown(license);
    const { status, body } = await patch(before.id, { active: false, limit: 5, expires_at: '2031-01-01T00:00:00Z' });
    expect([status, Object.keys(body.errors)]).toEqual([422, ['limit']]);
    expect(await shown(license)).toEqual(before);
    expect(await eventsOf(license.id)).not.toContain('license.updated');
  });
});

describe('a license bought through Stripe', () => {
  test('is here at once, with its limit, its order and its end, and with what billing makes of it', async () => {
    await createCatalog(tillkey, { policy: { maxMachines: 2, requireFingerprint: true } });
    const { events, subscription } = firstMonth();
    for (const sent of events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    const [bought] = (await tillkey.call('GET', '/api/v1/licenses?stripeSubscriptionId=sub_1')).body.data;
    const [listed] = (await get('/license-keys')).data;
    expect(listed).toMatchObject({ key: bought.key, limit: 2, active: true, status: 'ACTIVE', expires_at: bought.expiresAt, order_id: listed.id, subscription_id: listed.id, instances_count: 0 });
    expect(listed.customer_id).toBeGreaterThan(0);
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await activateKey(bought)).status);
    expect(statuses).toEqual([200, 200, 422]);
    const [{ id }] = await instancesOf(listed.id);
    expect(await validateKey(bought, { instance_id: id })).toMatchObject({ valid: true });
    await deliver(tillkey.url, event('customer.subscription.updated', { ...subscription, status: 'paused' }, { created: unix() + 5 }));
    await tillkey.settled();
    expect(await validateKey(bought, { instance_id: id })).toMatchObject({ valid: false, license_key: { active: true, status: 'INACTIVE', is_expired: false } });
    expect((await activateKey(bought)).status).toBe(422);
  });
});

describe('what belongs to somebody else', () => {
  test.each([['another account', async () => (await store()).key], ['the other mode', async () => LIVE_KEY]])('is not there for %s, and stays as it is', async (_title, keyOf) => {
    const key = await keyOf();
    const license = await createLicense(tillkey, { policy: { maxMachines: 2 } });
    const instance_id = (await activateKey(license)).body.data.id;
    const before = await shown(license);
    const counted = (await native(license.id)).usesCount;
    const at = `/license-keys/${before.id}`;
    const refused = [
      await activateKey(license, 'x', { key }),
      await post('validate', { license_key: license.key }, { key }),
      await post('validate', { license_key: license.key, instance_id }, { key }),
      await post('deactivate', { license_key: license.key, instance_id }, { key }),
      await ask('GET', at, { key }),
      await patch(before.id, { active: false, limit: 1, expires_at: null }, { key }),
      await ask('PUT', at, { body: { limit: 1 }, key }),
      await ask('GET', `${at}/instances`, { key }),
      await ask('GET', `${at}/instances/${instance_id}`, { key }),
    ];
    expect(refused.map(({ status, body }) => [status, body])).toEqual(refused.map(() => [404, { message: 'Not found.' }]));
    expect([(await get('/license-keys', { key })).data, (await get('/license-key-instances', { key })).data]).toEqual([[], []]);
    expect((await native(license.id)).usesCount).toBe(counted);
    expect((await get(at)).data).toEqual(before);
  });

  test('is never judged nor counted, also where it has the same imported key', async () => {
    const { key, call } = await store();
    const imported = `IMPORTED-${randomUUID()}`;
    const [ours, theirs, live] = [tillkey, { call }, { call: ((method, path, options = {}) => tillkey.call(method, path, { key: LIVE_KEY, ...options })) as TestService['call'] }];
    const made = [];
    for (const caller of [live, theirs, ours]) made.push({ caller, license: await createLicense(caller, { policy: { maxUses: 5 }, license: { key: imported } }) });
    await made[0]!.caller.call('POST', `/api/v1/licenses/${made[0]!.license.id}/revoke`);
    expect(await validateKey({ key: imported })).toMatchObject({ valid: true });
    expect((await post('validate', { license_key: imported }, { key })).body.data.valid).toBe(true);
    expect((await post('validate', { license_key: imported }, { key: LIVE_KEY })).body.data.valid).toBe(false);
    const uses = await Promise.all(made.map(async ({ caller, license }) => (await caller.call('GET', `/api/v1/licenses/${license.id}`)).body.data.usesCount));
    expect(uses).toEqual([0, 1, 1]);
  });

  test('by its permissions is refused with 403', async () => {
    const { scopeId } = await insertAccount(tillkey);
    const limited = async (scopes: string[]) => insertApiKey(tillkey, { scopeId, scopes });
    const needs: [string, Method, string, object?][] = [
      ['machines:write', 'POST', '/licenses/activate', { license_key: 'x', instance_name: 'x' }],
      ['licenses:read', 'POST', '/licenses/validate', { license_key: 'x' }],
      ['machines:write', 'POST', '/licenses/deactivate', { license_key: 'x', instance_id: 'x' }],
      ['licenses:read', 'GET', '/license-keys'],
      ['licenses:read', 'GET', '/license-keys/1'],
      ['licenses:write', 'PATCH', '/license-keys/1', {}],
      ['licenses:write', 'PUT', '/license-keys/1', {}],
      ['machines:read', 'GET', '/license-keys/1/instances'],
      ['machines:read', 'GET', `/license-keys/1/instances/${randomUUID()}`],
      ['machines:read', 'GET', '/license-key-instances'],
    ];
    expect(needs).toHaveLength(own.routes.length);
    const all = ['licenses:read', 'licenses:write', 'machines:read', 'machines:write'];
    for (const [permission, method, path, body] of needs) {
      const [without, alone] = [await limited(all.filter((one) => one !== permission)), await limited([permission])];
      expect([path, (await ask(method, path, { key: without, ...(body && { body }) })).status]).toEqual([path, 403]);
      expect([path, (await ask(method, path, { key: alone, ...(body && { body }) })).status]).toEqual([path, path.endsWith('keys') || path.endsWith('key-instances') ? 200 : 404]);
      expect([path, (await ask(method, path, { key: null, ...(body && { body }) })).status]).toEqual([path, 401]);
    }
  });
});

describe('what is not right is refused in the shape of the interface', () => {
  let untouched: any;
  beforeAll(async () => {
    untouched = await shown(await createLicense(tillkey));
  });

  test.each<[string, string, unknown, string]>([
    ['nothing', 'activate', {}, 'license_key'],
    ['no name', 'activate', { license_key: 'x' }, 'instance_name'],
    ['an empty name', 'activate', { license_key: 'x', instance_name: '' }, 'instance_name'],
    ['a long name', 'activate', { license_key: 'x', instance_name: 'x'.repeat(256) }, 'instance_name'],
    ['a name that is a number', 'activate', { license_key: 'x', instance_name: 5 }, 'instance_name'],
    ['a name with a NUL', 'activate', { license_key: 'x', instance_name: 'a\u0000b' }, 'instance_name'],
    ['a key that is a list', 'validate', { license_key: ['x'] }, 'license_key'],
    ['a key of 5 KB', 'validate', { license_key: 'x'.repeat(5000) }, 'license_key'],
    ['an empty key', 'validate', { license_key: '' }, 'license_key'],
    ['an instance that is a number', 'validate', { license_key: 'x', instance_id: 5 }, 'instance_id'],
    ['no instance', 'deactivate', { license_key: 'x' }, 'instance_id'],
    ['an instance that is null', 'deactivate', { license_key: 'x', instance_id: null }, 'instance_id'],
    ['a list', 'validate', [], 'body'],
  ])('%s', async (_title, path, body, field) => {
    const reply = await post(path, body as object);
    expect([reply.status, Object.keys(reply.body.errors ?? {})]).toEqual([422, expect.arrayContaining([field])]);
  });

  test.each<[string, object, string]>([
    ['a limit of 0', { limit: 0 }, 'limit'],
    ['a limit below 0', { limit: -1 }, 'limit'],
    ['half a limit', { limit: 1.5 }, 'limit'],
    ['a limit past all numbers', { limit: 2_147_483_648 }, 'limit'],
    ['a limit that is a text', { limit: '5' }, 'limit'],
    ['active that is a text', { active: 'yes' }, 'active'],
    ['active that is 2', { active: 2 }, 'active'],
    ['an end that is none', { expires_at: 'soon' }, 'expires_at'],
    ['an end that is a number', { expires_at: 1_900_000_000 }, 'expires_at'],
    ['the year 10 000', { expires_at: '+010000-01-01T00:00:00Z' }, 'expires_at'],
  ])('%s, and changes nothing', async (_title, change, field) => {
    const { status, body } = await patch(untouched.id, { active: false, ...change });
    expect([status, Object.keys(body.errors)]).toEqual([422, [field]]);
    expect((await get(`/license-keys/${untouched.id}`)).data).toEqual(untouched);
  });

  test.each(['page=0', 'page=-1', 'page=x', 'page=', 'page=1.5', 'page=2147483648', 'page=99999999999999999999', 'page=1&page=2', 'limit=0', 'limit=101', 'limit=1e1', 'limit=%00'])('a list of ?%s', async (query) => {
    for (const list of ['license-keys', 'license-key-instances', `license-keys/${untouched.id}/instances`]) expect((await ask('GET', `/${list}?${query}`)).status).toBe(422);
  });

  test.each(['0', '-1', 'x', '1.5', '1e3', '2147483648', '999999999999999', '99999999999999999999', '%00x', randomUUID()])('a license key of the id %s is not there', async (id) => {
    const statuses = [];
    for (const path of [`/license-keys/${id}`, `/license-keys/${id}/instances`, `/license-keys/${id}/instances/${randomUUID()}`]) statuses.push((await ask('GET', path)).status);
    statuses.push((await ask('PATCH', `/license-keys/${id}`, { body: {} })).status);
    expect(statuses).toEqual(Array(4).fill(id.startsWith('%00') ? 422 : 404));
  });

  test('an instance whose id is no UUID is not there', async () => {
    for (const uuid of ['x', '5', `${randomUUID()}0`]) expect((await ask('GET', `/license-keys/${untouched.id}/instances/${uuid}`)).status).toBe(404);
  });

  test('what is no JSON, too much, of another type, or at no path or method of ours', async () => {
    const raw = async (path: string, init: RequestInit) => {
      const response = await fetch(`${tillkey.url}/api/v2${path}`, { ...init, headers: { authorization: `Bearer ${LIVE_KEY}`, 'content-type': 'application/json', ...init.headers } });
      expect(failureShape.safeParse(await response.json()).error).toBeUndefined();
      return response.status;
    };
    const at = '/licenses/validate';
    expect([
      await raw(at, { method: 'POST', body: '{' }),
      await raw(at, { method: 'POST', body: '"x"' }),
      await raw(at, { method: 'POST', body: `{"license_key":"${'x'.repeat(1_100_000)}"}` }),
      await raw(at, { method: 'POST', body: 'license_key=x', headers: { 'content-type': 'text/plain' } }),
      await raw(at, { method: 'GET' }),
      await raw('/license-keys/1', { method: 'DELETE' }),
      await raw('/products', { method: 'GET' }),
      await raw(at, { method: 'POST', body: '{}', headers: { authorization: 'Bearer nobody' } }),
    ]).toEqual([400, 400, 413, 415, 405, 405, 404, 401]);
  });

  test.each([[429, 'RATE_LIMITED'], [500, 'INTERNAL'], [503, 'UNAVAILABLE'], [409, 'IDEMPOTENCY_KEY_REUSED']])('a failure of %i', (status, code) => {
    expect(own.showFailure(new AppError(code, status, 'A sentence.'), '/api/v2/license-keys')).toEqual({ status, body: { message: 'A sentence.' } });
  });
});
