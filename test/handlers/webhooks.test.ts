import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { onCommit } from '../../src/database/after-commit.ts';
import { asOneTransaction, inOwnTransaction, inTransaction, undoing } from '../../src/database/orm.ts';
import { countDeliveries, oldestPendingDelivery } from '../../src/delivery-counts.ts';
import { refuse } from '../../src/errors.ts';
import { recordEvents } from '../../src/licensing/record-event.ts';
import { createWebhookClient } from '../../src/webhook-client.ts';
import { createLicense } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

const PUBLIC = '93.184.215.14';
const names: Record<string, string[]> = { 'example.com': [PUBLIC], 'slow.example': [PUBLIC], 'both.example': [PUBLIC, '10.0.0.1'], 'rebound.example': ['127.0.0.1'], 'six.example': ['::ffff:10.0.0.1'], 'metadata.example': ['169.254.169.254'] };
/** Look-ups of a name whose servers say nothing until a test lets them. */
const slow: (() => void)[] = [];
const resolve = async (hostname: string) => {
  if (hostname === 'slow.example') await new Promise<void>((done) => slow.push(done));
  const addresses = names[hostname];
  if (!addresses) throw new Error(`ENOTFOUND ${hostname}`);
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
};

const clock = testClock();
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock, environment: { WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'false' }, webhookPatience: { resolve } });
});
afterAll(() => tillkey.stop());

const url = 'https://example.com/hooks';
const create = async (body: object = {}, key?: string) => (await tillkey.call('POST', '/api/v1/webhooks', { body: { url, ...body }, ...(key !== undefined && { key }) })).body.data;
const read = async (id: string) => (await tillkey.call('GET', `/api/v1/webhooks/${id}`)).body.data;
const patch = (id: string, body: object) => tillkey.call('PATCH', `/api/v1/webhooks/${id}`, { body });
const deliveriesOf = async (id: string, query = '', key?: string) => (await tillkey.call('GET', `/api/v1/webhooks/${id}/deliveries?limit=100${query}`, key === undefined ? {} : { key })).body.data;
const typesOf = async (id: string) => (await deliveriesOf(id)).map(({ eventType }: any) => eventType);
const remove = (id: string) => tillkey.call('DELETE', `/api/v1/webhooks/${id}`);
let people = 0;
const makeEvent = (options = {}) => tillkey.call('POST', '/api/v1/customers', { ...options, body: { email: `someone-${(people += 1)}@example.com` } });
const rowsOf = (sql: string) => tillkey.service.dependencies.database.em.fork().execute<any[]>(sql);
const testScope = () => tillkey.service.dependencies.scopes[1]!;

describe('an endpoint', () => {
  test('is made, shown, changed and deleted; it listens to everything unless told otherwise', async () => {
    const { secret, ...made } = await create({ description: 'Order desk' });
    expect(made).toMatchObject({ url, events: ['*'], description: 'Order desk', enabled: true, failingSince: null, disabledAt: null, deletedAt: null });
    expect(await read(made.id)).toEqual(made);
    expect((await patch(made.id, { events: ['license.*', 'machine.dead', 'license.*'], description: null })).body.data).toMatchObject({ events: ['license.*', 'machine.dead'], description: null, url });
    expect((await tillkey.call('GET', '/api/v1/webhooks')).body.data.map(({ id }: any) => id)).toContain(made.id);
    expect((await remove(made.id)).status).toBe(204);
    for (const method of ['GET', 'DELETE'] as const) expect((await tillkey.call(method, `/api/v1/webhooks/${made.id}`)).status).toBe(404);
    expect(secret).toMatch(/^whsec_/);
  });

  test('listens to types and groups that there are; what else is named is answered in a sentence', async () => {
    const { status, body } = await tillkey.call('POST', '/api/v1/webhooks', { body: { url, events: ['license.*', 'license.forgotten'] } });
    expect([status, body.details.issues]).toEqual([400, [{ path: ['events', '1'], message: expect.stringMatching(/^Expected a type of event such as .{1,120}$/), code: 'invalid_value' }]]);
  });

  test('has a secret of 32 random bytes, shown when it is made and rotated, and never again; the database has it sealed', async () => {
    const { id, secret } = await create();
    const rotated = await tillkey.call('POST', `/api/v1/webhooks/${id}/rotate-secret`);
    expect([rotated.status, Buffer.from(secret.slice(6), 'base64').length, Buffer.from(rotated.body.data.secret.slice(6), 'base64').length]).toEqual([200, 32, 32]);
    expect(rotated.body.data).toMatchObject({ id, formerSecretUntil: new Date(clock.now().getTime() + 86_400_000).toISOString() });
    expect(rotated.body.data.secret).not.toBe(secret);
    const shown = JSON.stringify([await read(id), (await tillkey.call('GET', '/api/v1/webhooks')).body, (await patch(id, { description: 'x' })).body]);
    expect(shown).not.toMatch(/whsec_|[sS]ealed/);
    const [row] = await rowsOf(`select to_jsonb(w)::text as text from webhook_endpoints w where id = '${id}'`);
    for (const known of [secret, rotated.body.data.secret]) for (const form of ['utf8', 'base64'] as const) expect(row.text).not.toContain(Buffer.from(known.slice(6), form).toString('hex'));
    await remove(id);
  });

  test.each<[string, object, (string | number)[]]>([
    ['a type nobody knows', { events: ['license.create'] }, ['events', '0']], ['a group nobody knows', { events: ['*', 'order.*'] }, ['events', '1']], ['half a group', { events: ['license.c*'] }, ['events', '0']],
    ['no type', { events: [] }, ['events']], ['a URL with a line break', { url: 'https://example.com/\nx' }, ['url']], ['a URL that is none', { url: 'example.com' }, ['url']], ['a long URL', { url: `https://example.com/${'x'.repeat(2100)}` }, ['url']], ['a field nobody knows', { secret: 'whsec_x' }, ['secret']],
  ])('with %s is refused by that field, when made and when changed', async (_title, fields, path) => {
    const { id } = await create();
    for (const reply of [await tillkey.call('POST', '/api/v1/webhooks', { body: { url, ...fields } }), await patch(id, fields)]) {
      expect([reply.status, reply.body.code, reply.body.details.issues[0].path]).toEqual([400, 'VALIDATION_ERROR', path]);
    }
    await remove(id);
  });

  test('is one of fifty at most, however many are made at once', async () => {
    const key = await insertApiKey(tillkey, await insertAccount(tillkey));
    const replies = await Promise.all(Array.from({ length: 60 }, () => tillkey.call('POST', '/api/v1/webhooks', { key, body: { url } })));
    expect([201, 409].map((status) => replies.filter((reply) => reply.status === status).length)).toEqual([50, 10]);
  });
});

describe('an endpoint on anything but the public internet is refused when it is made and when it is changed:', () => {
  test.each([
    'http://example.com/hooks', 'ftp://example.com', 'https://user:pass@example.com/', 'https://user@example.com/', 'https://localhost/', 'https://LOCALHOST./', 'https://hooks.localhost/', 'https://127.0.0.1/', 'https://127.0.0.1:8443/', 'https://127.0.0.1./', 'https://127.1/',
    'https://0x7f.1/', 'https://0x7f000001/', 'https://2130706433/', 'https://0177.0.0.1/', 'https://0/', 'https://0.0.0.0/', 'https://10.1.2.3/', 'https://172.16.0.1/', 'https://192.168.1.1/', 'https://169.254.169.254/latest', 'https://100.64.0.1/', 'https://１２７.0.0.1/',
    'https://[::1]/', 'https://[::]/', 'https://[fe80::1]/', 'https://[fd00::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[::7f00:1]/', 'https://[64:ff9b::7f00:1]/', 'https://[2002:7f00:1::]/', 'https://rebound.example/', 'https://rebound.example./', 'https://both.example/',
    'https://six.example/', 'https://metadata.example/',
  ])('%s', async (refused) => {
    const { id } = (await tillkey.call('GET', '/api/v1/webhooks?limit=1')).body.data[0] ?? (await create());
    for (const reply of [await tillkey.call('POST', '/api/v1/webhooks', { body: { url: refused } }), await patch(id, { url: refused })]) {
      expect([reply.status, reply.body.code, reply.body.details?.issues[0].path]).toEqual([400, 'VALIDATION_ERROR', ['url']]);
      if (!refused.includes('@')) expect(reply.body.error).toContain('WEBHOOK_ALLOW_PRIVATE_ADDRESSES');
    }
    expect((await read(id)).url).toBe(url);
  });

  test('but a public address, and a name that does not resolve yet, are taken', async () => {
    for (const taken of [`https://${PUBLIC}/`, 'https://[2606:2800:220:1:248:1893:25c8:1946]:8443/x', 'https://not-yet.example/']) {
      const { status, body } = await tillkey.call('POST', '/api/v1/webhooks', { body: { url: taken } });
      expect([taken, status]).toEqual([taken, 201]);
      await remove(body.data.id);
    }
  });

  test('and a name that takes long keeps no other request waiting, not among those with an Idempotency-Key either', async () => {
    const once = () => ({ headers: { 'Idempotency-Key': randomUUID() } });
    const [key] = [await insertApiKey(tillkey, await insertAccount(tillkey))];
    const creating = Array.from({ length: 8 }, () => tillkey.call('POST', '/api/v1/webhooks', { key, body: { url: 'https://slow.example/' }, ...once() }));
    await until(() => slow.length >= 4);
    const first = await Promise.race([makeEvent(once()), ...creating]);
    expect(first.body.data).toMatchObject({ email: expect.any(String) });
    await until(() => slow.length === 8);
    for (const answer of slow) answer();
    expect((await Promise.all(creating)).map(({ status }) => status)).toEqual(Array(8).fill(201));
  });

  test('with WEBHOOK_ALLOW_PRIVATE_ADDRESSES all of them are taken, but for those with a password or of another protocol', async () => {
    const { faultOf } = createWebhookClient({ allowPrivate: true, resolve });
    expect(await Promise.all(['http://127.0.0.1:3000/', 'https://rebound.example/', 'http://localhost/'].map(faultOf))).toEqual([null, null, null]);
    for (const refused of ['ftp://127.0.0.1/', 'http://a:b@127.0.0.1/', 'file:///etc/passwd', 'x']) expect(await faultOf(refused)).not.toBeNull();
  });
});

describe('an event is owed', () => {
  test('to every endpoint of its scope that listens to it, and to no other', async () => {
    const [all, group, one, other, off, live] = [await create(), await create({ events: ['license.*'] }), await create({ events: ['customer.updated', 'license.suspended'] }), await create({ events: ['machine.*'] }), await create(), await create({}, LIVE_KEY)];
    await patch(off.id, { enabled: false });
    const { id } = await createLicense(tillkey);
    await tillkey.call('POST', `/api/v1/licenses/${id}/suspend`);
    expect(await typesOf(all.id)).toEqual(expect.arrayContaining(['license.suspended', 'license.created']));
    expect(await typesOf(group.id)).toEqual(['license.suspended', 'license.created']);
    expect(await typesOf(one.id)).toEqual(['license.suspended']);
    for (const { id: silent } of [other, off]) expect(await typesOf(silent)).toEqual([]);
    expect(await deliveriesOf(live.id, '', LIVE_KEY)).toEqual([]);
    for (const endpoint of [all, group, one, other, off]) await remove(endpoint.id);
  });

  test('and all of them are woken at once: where the queue is away, the answer waits for it once and not for each', async () => {
    const endpoints = [await create(), await create(), await create()];
    const { queues } = tillkey.service.dependencies;
    const { enqueue } = queues;
    const waiting: (() => void)[] = [];
    queues.enqueue = () => new Promise((done) => waiting.push(done));
    const made = makeEvent();
    await until(() => waiting.length >= 3);
    queues.enqueue = enqueue;
    for (const done of waiting) done();
    expect((await made).status).toBe(201);
    for (const { id } of endpoints) await remove(id);
  });

  test('only once its transaction is committed, and nobody is woken for one that was not', async () => {
    const { id } = await create({ events: ['customer.*'] });
    const { database } = tillkey.service.dependencies;
    const event = { scopeId: testScope().id, type: 'customer.updated' as const, licenseId: null, data: {} };
    const tell = (tx: Parameters<typeof recordEvents>[0]) => recordEvents(tx, [event], clock.now());
    const broken = () => { throw new Error('no'); };
    const woken: string[] = [];
    onCommit(database, async (endpointIds) => void woken.push(...endpointIds.filter((one) => one === id)));
    await inTransaction(database, async (tx) => { await tell(tx); return refuse('CONFLICT', 'no'); });
    await inTransaction(database, async (tx) => { await tell(tx); broken(); }).catch(() => undefined);
    await inTransaction(database, (tx) => undoing(tx, async (undone) => { await tell(undone); return 'undone'; }));
    await asOneTransaction(database, async () => { await inTransaction(database, tell); broken(); }).catch(() => undefined);
    expect([await typesOf(id), woken]).toEqual([[], []]);
    woken.length = 0;
    await asOneTransaction(database, async () => {
      await inTransaction(database, tell);
      await inTransaction(database, async (tx) => { await tell(tx); return refuse('CONFLICT', 'no'); });
    });
    expect([await typesOf(id), woken]).toEqual([['customer.updated'], [id]]);
    await inOwnTransaction(database, tell);
    expect(woken).toEqual([id, id]);
    await remove(id);
  });

  test('and not once the endpoint is deleted or disabled; what it was still owed is given up, and says why', async () => {
    const [deleted, disabled] = [await create(), await create()];
    await makeEvent();
    await remove(deleted.id);
    await patch(disabled.id, { enabled: false });
    await makeEvent();
    expect(await deliveriesOf(disabled.id)).toEqual([expect.objectContaining({ status: 'failed', nextAttemptAt: null, attempts: 0, error: 'given up: the endpoint was disabled by its owner' })]);
    expect(await rowsOf(`select due_at, last_error from webhook_deliveries where endpoint_id = '${deleted.id}'`)).toEqual([{ due_at: null, last_error: 'given up: the endpoint was deleted' }]);
    expect(await read(disabled.id)).toMatchObject({ enabled: false, disabledAt: clock.now().toISOString(), disabledReason: 'disabled by its owner' });
    expect((await patch(disabled.id, { enabled: true })).body.data).toMatchObject({ enabled: true, disabledAt: null, disabledReason: null });
    await makeEvent();
    expect((await deliveriesOf(disabled.id)).map(({ status }: any) => status)).toEqual(['pending', 'failed']);
    await remove(disabled.id);
  });
});

describe('deliveries', () => {
  test('are listed page by page, newest first, by status, and read one by one', async () => {
    const { id } = await create();
    for (let n = 0; n < 3; n += 1) await makeEvent();
    const first = (await tillkey.call('GET', `/api/v1/webhooks/${id}/deliveries?limit=2`)).body;
    const second = (await tillkey.call('GET', `/api/v1/webhooks/${id}/deliveries?limit=2&cursor=${first.pagination.nextCursor}`)).body;
    const events = (await tillkey.call('GET', '/api/v1/events?limit=3')).body.data;
    expect([...first.data, ...second.data].map(({ eventId }) => eventId)).toEqual(events.map((event: any) => event.id));
    expect(first.data[0]).toMatchObject({ webhookId: id, eventType: 'customer.created', status: 'pending', attempts: 0, nextAttemptAt: clock.now().toISOString(), lastAttemptAt: null, responseStatus: null, responseExcerpt: null, error: null, durationMs: null });
    expect((await tillkey.call('GET', `/api/v1/webhook-deliveries/${first.data[0].id}`)).body.data).toEqual(first.data[0]);
    expect([await deliveriesOf(id, '&status=pending'), await deliveriesOf(id, '&status=succeeded'), await deliveriesOf(id, '&status=failed')].map(({ length }) => length)).toEqual([3, 0, 0]);
    expect((await tillkey.call('GET', `/api/v1/webhooks/${id}/deliveries?status=done`)).status).toBe(400);
    expect((await tillkey.call('GET', `/api/v1/webhooks/${id}/deliveries?cursor=${id}`)).status).toBe(400);
    const { pending, succeeded } = await countDeliveries(tillkey.service.dependencies.database);
    expect([pending >= 3, succeeded]).toEqual([true, 0]);
    expect(await oldestPendingDelivery(tillkey.service.dependencies.database)).toBeInstanceOf(Date);
    await remove(id);
  });

  test('to an endpoint that is disabled or gone are not delivered again, and it says what to do', async () => {
    const { id } = await create();
    await makeEvent();
    const [{ id: deliveryId }] = await deliveriesOf(id);
    const redeliver = () => tillkey.call('POST', `/api/v1/webhook-deliveries/${deliveryId}/redeliver`);
    await patch(id, { enabled: false });
    expect(await redeliver()).toMatchObject({ status: 409, body: { code: 'CONFLICT', error: expect.stringContaining('"enabled": true') } });
    await patch(id, { enabled: true });
    expect(await redeliver()).toMatchObject({ status: 200, body: { data: { id: deliveryId, status: 'pending', attempts: 0 } } });
    await remove(id);
    expect((await redeliver()).status).toBe(404);
    expect((await tillkey.call('GET', `/api/v1/webhook-deliveries/${deliveryId}`)).status).toBe(404);
  });
});
