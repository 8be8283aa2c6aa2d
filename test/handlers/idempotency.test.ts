import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { asOneTransaction } from '../../src/database/orm.ts';
import { newId } from '../../src/database/uuid.ts';
import { createLicense, createPolicy } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';

const start = new Date('2026-06-01T00:00:00.000Z');
const clock = testClock(start);
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
});
afterAll(() => tillkey.stop());

let next = 0;
const newKey = () => `key-${(next += 1)}`;
const post = (path: string, body: object, idempotencyKey: string, key?: string) =>
  tillkey.call('POST', `/api/v1${path}`, { body, headers: { 'idempotency-key': idempotencyKey }, ...(key !== undefined && { key }) });
const customers = async (email: string, key?: string) => (await tillkey.call('GET', `/api/v1/customers?email=${email}`, key === undefined ? {} : { key })).body.data;
const query = (statement: string) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement);

test('what is queued inside a transaction around it is queued once that is committed, and never for one that is taken back', async () => {
  const { database, queues } = tillkey.service.dependencies;
  const waiting = async () => (await queues.depths())!.messages.waiting;
  const enqueue = () => queues.enqueue('messages', { id: newId() });
  expect(await asOneTransaction(database, async () => [await enqueue(), await waiting()][1])).toBe(0);
  expect(await waiting()).toBe(1);
  await expect(asOneTransaction(database, async () => [await enqueue()].map(() => JSON.parse('taken back')))).rejects.toThrow();
  expect(await waiting()).toBe(1);
});

describe('an Idempotency-Key', () => {
  test('gets a repeated request its first answer, and does nothing twice', async () => {
    const [key, { id: policyId }] = [newKey(), await createPolicy(tillkey)];
    const first = await post('/licenses', { policyId }, key);
    const second = await post('/licenses', { policyId }, key);
    expect([first.status, second.status, second.body]).toEqual([201, 201, first.body]);
    expect([first.headers['idempotent-replayed'], second.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect((await tillkey.call('GET', `/api/v1/licenses?policyId=${policyId}`)).body.data).toHaveLength(1);
  });

  test('gets the first answer when things are different by now', async () => {
    const [key, license] = [newKey(), await createLicense(tillkey)];
    const first = await post(`/licenses/${license.id}/suspend`, {}, key);
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/reinstate`);
    expect((await post(`/licenses/${license.id}/suspend`, {}, key)).body).toEqual(first.body);
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data.status).toBe('active');
  });

  test('gets a refusal again, with what it said, even where it would be granted by now', async () => {
    const [key, policy] = [newKey(), await createPolicy(tillkey, { overridable: false })];
    const body = { policyId: policy.id, maxUsesOverride: 3 };
    const first = await post('/licenses', body, key);
    await tillkey.call('PATCH', `/api/v1/policies/${policy.id}`, { body: { overridable: true } });
    const second = await post('/licenses', body, key);
    expect([first.status, second.status]).toEqual([422, 422]);
    expect(second.body).toEqual({ ...first.body, requestId: expect.any(String) });
    expect(second.body.requestId).not.toBe(first.body.requestId);
    expect(second.headers['idempotent-replayed']).toBe('true');
  });

  test('is not used up by a request that is not right', async () => {
    const key = newKey();
    expect((await post('/customers', { email: 'no address' }, key)).status).toBe(400);
    expect((await post('/customers', { email: 'right@example.com' }, key)).status).toBe(201);
  });

  test.each([
    ['another body', '/customers', { email: 'other-body@example.com' }],
    ['another path', '/products', { email: 'first-body@example.com' }],
  ])('of %s is refused, and does nothing', async (_title, path, body) => {
    const key = newKey();
    await post('/customers', { email: 'first-body@example.com' }, key);
    expect(await post(path, body, key)).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await customers('other-body@example.com')).toEqual([]);
  });

  test('of ten requests at once has one effect and one answer', async () => {
    const [key, { id: policyId }] = [newKey(), await createPolicy(tillkey)];
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/licenses', { policyId }, key)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.data.key}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(9);
    expect((await tillkey.call('GET', `/api/v1/licenses?policyId=${policyId}`)).body.data).toHaveLength(1);
  });

  test('may be used for something else after 24 hours, and not before', async () => {
    const key = newKey();
    await post('/customers', { email: 'day-1@example.com' }, key);
    clock.set(new Date('2026-06-01T23:59:59.999Z'));
    expect((await post('/customers', { email: 'day-2@example.com' }, key)).status).toBe(409);
    clock.set(new Date('2026-06-02T00:00:00.000Z'));
    expect((await post('/customers', { email: 'day-2@example.com' }, key)).status).toBe(201);
    expect((await post('/customers', { email: 'day-2@example.com' }, key)).headers['idempotent-replayed']).toBe('true');
    clock.set(start);
  });

  test('is its scope’s own', async () => {
    const key = newKey();
    const body = { email: 'both@example.com' };
    const [test, live] = [await post('/customers', body, key), await post('/customers', body, key, LIVE_KEY)];
    expect([test.status, live.status, live.headers['idempotent-replayed']]).toEqual([201, 201, undefined]);
    expect(await customers('both@example.com', LIVE_KEY)).toEqual([live.body.data]);
  });

  test.each(['', 'two words', 'x'.repeat(256), 'ümlaut'])('of %j is refused', async (key) => {
    expect(await post('/customers', { email: 'bad-key@example.com' }, key)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
    expect(await customers('bad-key@example.com')).toEqual([]);
  });
});

describe('a kept answer', () => {
  test('is sealed: nothing of it can be read in the database', async () => {
    const key = newKey();
    const { body } = await post('/api-keys', { name: 'Sealed name' }, key);
    const [row] = await query(`select request_hash, answer_sealed from idempotency_keys where key = '${key}'`);
    for (const bytes of [row.request_hash, row.answer_sealed]) {
      for (const secret of [body.data.key, 'Sealed name', 'data']) expect(Buffer.from(bytes).includes(secret)).toBe(false);
    }
  });

  test('is committed with the work or not at all: work that fails leaves nothing, and may be tried again', async () => {
    const { firstAnswers, scopes: [scope] } = tillkey.service.dependencies;
    const asked = { scope: scope!, key: newKey(), requestHash: Buffer.from('hash') };
    const work = async () => {
      expect((await tillkey.service.dependencies.database.em.fork().execute<any[]>('select 1 from idempotency_keys where key = ?', [asked.key])).length).toBe(0);
      throw new Error('the database went away');
    };
    await expect(firstAnswers.once(asked, work)).rejects.toThrow('went away');
    expect(await firstAnswers.once(asked, async () => 'done')).toEqual({ text: 'done', replayed: false });
    expect(await firstAnswers.once(asked, async () => 'again')).toEqual({ text: 'done', replayed: true });
  });

  test('is made by no more at once than leave each a second connection, should its work ask for one', async () => {
    const { firstAnswers, database, scopes: [scope] } = tillkey.service.dependencies;
    const work = async () => JSON.stringify(await database.em.fork().execute<any[]>('select 1 as one'));
    const answers = await Promise.all(Array.from({ length: 40 }, () => firstAnswers.once({ scope: scope!, key: newKey(), requestHash: Buffer.from('hash') }, work)));
    expect(answers).toEqual(Array(40).fill({ text: '[{"one":1}]', replayed: false }));
  });

  test('that cannot be kept takes its work back', async () => {
    const key = newKey();
    await query(`alter table idempotency_keys add constraint refuse_this check (key <> '${key}' or answer_sealed = '')`);
    expect(await post('/customers', { email: 'not-kept@example.com' }, key)).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    await query('alter table idempotency_keys drop constraint refuse_this');
    expect(await customers('not-kept@example.com')).toEqual([]);
    expect((await post('/customers', { email: 'not-kept@example.com' }, key)).status).toBe(201);
  });

  test('is forgotten when it is too old to be given back', async () => {
    const [old, young] = [newKey(), newKey()];
    await post('/customers', { email: 'old@example.com' }, old);
    clock.set(new Date('2026-06-01T12:00:00.000Z'));
    await post('/customers', { email: 'young@example.com' }, young);
    clock.set(new Date('2026-06-02T00:00:00.000Z'));
    await tillkey.service.dependencies.firstAnswers.forgetOld();
    expect((await query(`select key from idempotency_keys where key in ('${old}', '${young}')`)).map(({ key }) => key)).toEqual([young]);
    clock.set(start);
  });
});
