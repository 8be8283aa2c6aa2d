import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LIVE_KEY, startTestService, type TestService } from '../support/service.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
});
afterAll(() => tillkey.stop());

const post = (path: string, body: unknown, key?: string | null) => tillkey.call('POST', `/api/v1${path}`, { body, ...(key !== undefined && { key }) });
const get = (path: string, key?: string | null) => tillkey.call('GET', `/api/v1${path}`, key === undefined ? {} : { key });

let next = 0;
const product = async (fields: object = {}) => (await post('/products', { name: 'Acme', code: `P${(next += 1)}`, ...fields })).body.data;
const policy = async () => (await post('/policies', { productId: (await product()).id, name: 'Pro' })).body.data;

describe('a product', () => {
  test.each([
    ['my-app', 'MYAPP'], ['a_very_long_product_code', 'AVERYLONGP'], ['-_-', 'LIC'], ['x', 'LIC'],
  ])('with the code %s gets the key prefix %s', async (code, keyPrefix) => {
    const { status, body } = await post('/products', { name: 'Acme', code });
    expect([status, body.data.keyPrefix]).toEqual([201, keyPrefix]);
  });

  test('is read back as it was created', async () => {
    const created = await product({ description: 'Text', metadata: { tier: [1, { deep: true }] } });
    expect((await get(`/products/${created.id}`)).body.data).toEqual(created);
    expect(created).toMatchObject({ licensesCount: 0, deletedAt: null, createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/) });
  });

  test('with a code that is taken is refused, also when ten ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/products', { name: 'Acme', code: 'ONCE' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'CONFLICT', requestId: expect.any(String) });
  });
});

describe('a mapping', () => {
  test('has the defaults of the contract', async () => {
    const { id: policyId } = await policy();
    const { body } = await post('/stripe-mappings', { policyId, stripePriceId: 'price_defaults' });
    expect(body.data).toMatchObject({
      stripePriceId: 'price_defaults', stripeProductId: null, entitlementIds: [], gracePeriodDays: 7, quantityMode: 'LICENSES', seatsPerUnit: 1,
      onFullRefund: 'REVOKE', onDispute: 'SUSPEND', onPauseCollection: 'SUSPEND_WHEN_VOID', issueOnTrial: true, issueOnOpenInvoice: false,
      sendKeyEmail: true, active: true, metadata: {},
    });
    expect((await get(`/stripe-mappings/${body.data.id}`)).body.data).toEqual(body.data);
  });

  test('names exactly one of a price and a product', async () => {
    const { id: policyId } = await policy();
    for (const target of [{}, { stripePriceId: 'price_a', stripeProductId: 'prod_a' }]) {
      expect((await post('/stripe-mappings', { policyId, ...target })).body).toMatchObject({ code: 'VALIDATION_ERROR', details: { issues: [{ path: ['stripePriceId'] }] } });
    }
  });

  test('is one a price', async () => {
    const { id: policyId } = await policy();
    const answers = await Promise.all([1, 2, 3].map(() => post('/stripe-mappings', { policyId, stripePriceId: 'price_one' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  test('grants entitlements of its own scope only', async () => {
    const { id: policyId } = await policy();
    const mine = (await post('/entitlements', { code: 'export', name: 'Export' })).body.data;
    const live = (await post('/entitlements', { code: 'export', name: 'Export' }, LIVE_KEY)).body.data;
    expect((await post('/stripe-mappings', { policyId, stripePriceId: 'price_e1', entitlementIds: [mine.id] })).status).toBe(201);
    const refused = await post('/stripe-mappings', { policyId, stripePriceId: 'price_e2', entitlementIds: [live.id] });
    expect(refused).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['entitlementIds'] }] } } });
  });
});

describe('lists', () => {
  test('are newest first, paged without a gap or a repeat while rows are added', async () => {
    for (let n = 0; n < 5; n += 1) await post('/entitlements', { code: `page-${n}`, name: 'Page' });
    const first = (await get('/entitlements?limit=2')).body;
    await post('/entitlements', { code: 'page-late', name: 'Page' });
    const second = (await get(`/entitlements?limit=2&cursor=${first.pagination.nextCursor}`)).body;
    expect([...first.data, ...second.data].map(({ code }: { code: string }) => code)).toEqual(['page-4', 'page-3', 'page-2', 'page-1']);
    expect(first.pagination).toEqual({ nextCursor: first.data[1].id, hasMore: true });
  });

  test('refuse a cursor of another list', async () => {
    const other = await product();
    expect((await get(`/policies?cursor=${other.id}`)).body).toMatchObject({ code: 'VALIDATION_ERROR', details: { issues: [{ path: ['cursor'] }] } });
  });
});

describe('test and live', () => {
  test('are kept apart by the database itself: a row can only name rows of its own scope', async () => {
    const em = tillkey.service.dependencies.database.em.fork();
    const { id } = await product();
    const [live] = tillkey.service.dependencies.scopes;
    const smuggle = `insert into policies select gen_random_uuid(), ?, product_id, name, template, max_machines, max_uses, floating, duration_days,
      expiration_strategy, require_heartbeat, heartbeat_interval_minutes, heartbeat_cull_strategy, require_fingerprint, fingerprint_uniqueness,
      offline_allowed, offline_max_days, allow_machine_transfer, is_trial, trial_duration_days, overridable, max_unique_fingerprints, metadata,
      created_at, updated_at, deleted_at from policies where product_id = ?`;
    await post('/policies', { productId: id, name: 'Pro' });
    await expect(em.execute(smuggle, [live!.id, id])).rejects.toThrow(/foreign key/);
  });

  test('never meet: what one key creates, the other neither lists nor reads nor refers to', async () => {
    const test = await product();
    expect((await get(`/products/${test.id}`, LIVE_KEY)).status).toBe(404);
    expect((await get('/products', LIVE_KEY)).body.data).toEqual([]);
    expect((await post('/policies', { productId: test.id, name: 'Pro' }, LIVE_KEY)).body).toMatchObject({ details: { issues: [{ path: ['productId'] }] } });
    expect((await post('/products', { name: 'Acme', code: test.code }, LIVE_KEY)).status).toBe(201);
  });
});

describe('a request that is not right', () => {
  test.each([
    ['without a key', null, 401, 'UNAUTHORIZED'],
    ['with an unknown key', `lk_test_${'x'.repeat(32)}`, 401, 'UNAUTHORIZED'],
  ])('%s is %s %s', async (_title, key, status, code) => {
    expect(await get('/products', key)).toMatchObject({ status, body: { code, error: expect.any(String), requestId: expect.any(String) } });
  });

  test('with a field nobody knows is refused, naming it', async () => {
    const { status, body } = await post('/products', { name: 'Acme', code: 'TYPO', descripton: 'x' });
    expect(status).toBe(400);
    expect(JSON.stringify(body.details)).toContain('descripton');
  });

  test.each([
    ['broken JSON', '{"name":', 'application/json', 400],
    ['another content type', 'name=Acme', 'application/x-www-form-urlencoded', 415],
    ['a body of 3 MB', JSON.stringify({ name: 'x'.repeat(3_000_000) }), 'application/json', 413],
    ['a NUL in a text', '{"name":"a\\u0000b","code":"NUL"}', 'application/json', 400],
    ['half a surrogate pair', '{"name":"a\\ud800","code":"HALF"}', 'application/json', 400],
    ['a thousand levels', `{"name":"a","code":"DEEP","metadata":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`, 'application/json', 400],
    ['a number no number can be', '{"name":"a","code":"BIG","metadata":{"n":1e400}}', 'application/json', 400],
    ['a list for an object', '[]', 'application/json', 400],
    ['null', 'null', 'application/json', 400],
  ])('with %s is a documented 4xx', async (_title, body, contentType, status) => {
    const response = await fetch(`${tillkey.url}/api/v1/products`, {
      method: 'POST', body, headers: { authorization: 'Bearer ' + (await import('../support/service.ts')).TEST_KEY, 'content-type': contentType },
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.any(String), code: expect.any(String), requestId: response.headers.get('x-request-id') });
  });

  test.each(['/products/not-a-uuid', '/stripe-events/evt_none', `/products/${'9'.repeat(300)}`, '/products/01a1fc5f-156a-700f-9e5a-c932c4081e34', '/nothing'])('for %s is one and the same 404', async (path) => {
    const { status, body } = await get(path);
    expect([status, body.error, body.code]).toEqual([404, 'Not found.', 'NOT_FOUND']);
  });

  test.each(['/stripe-events/%00', '/products/a%00b', '/stripe-events?createdAfter=0000-01-01T00:00:00Z', '/licenses?expiresBefore=0000-01-01T00:00:00Z'])('for %s is 400', async (path) => {
    expect((await get(path)).status).toBe(400);
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'offset=2'])('with the query %s is 400', async (query) => {
    expect((await get(`/products?${query}`)).status).toBe(400);
  });
});
