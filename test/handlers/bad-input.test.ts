import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { routes } from '../../src/app.ts';
import { asJson, type Asked, asker, type Heard, sendBytes } from '../support/ask.ts';
import { notAnError } from '../support/documented.ts';
import { generateRequests } from '../support/generate-requests.ts';
import { startTestService, TEST_KEY, type TestService } from '../support/service.ts';
import { createWorld, type World } from '../support/world.ts';

let tillkey: TestService;
let world: World;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', environment: { RATE_LIMIT_ACTIVATE: '0' } });
  ({ ask, close } = asker(tillkey.url));
  world = await createWorld(tillkey, ask, TEST_KEY);
});
afterAll(async () => {
  close();
  await tillkey.stop();
});

const refusal = (heard: Heard) => [heard.status, heard.body?.code, notAnError(heard)];
const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) => ask({ method: 'POST', path: `/api/v1${path}`, headers: { ...asJson(TEST_KEY), ...headers }, body });
const get = (path: string, headers: Record<string, string> = asJson(TEST_KEY)) => ask({ method: 'GET', path: `/api/v1${path}`, headers });
const nested = (levels: number, open = '{"a":', shut = '}') => `${open.repeat(levels)}1${shut.repeat(levels)}`;
const productWith = (fields: string) => `{"name":"Acme","code":"${randomUUID().slice(0, 8)}",${fields}}`;

describe('a body that is not right is refused as documented', () => {
  test.each<[string, string]>([
    ['nothing but a bracket', '{'],
    ['a list', '[]'],
    ['a list of one good body', `[${productWith('"description":null')}]`],
    ['null', 'null'],
    ['a text', '"name"'],
    ['a number', '1'],
    ['true', 'true'],
    ['a name that is a number', '{"name":1,"code":"A"}'],
    ['a name that is a list', '{"name":["A"],"code":"A"}'],
    ['a name that is an object', '{"name":{"toString":"A"},"code":"A"}'],
    ['a name that is null', '{"name":null,"code":"A"}'],
    ['an empty name', '{"name":"","code":"A"}'],
    ['a name of 5 KB', `{"name":"${'x'.repeat(5000)}","code":"A"}`],
    ['a code of 5 KB', `{"name":"A","code":"${'x'.repeat(5000)}"}`],
    ['metadata that is a list', productWith('"metadata":[]')],
    ['metadata that is a text', productWith('"metadata":"x"')],
    ['metadata of 100 levels', productWith(`"metadata":${nested(100)}`)],
    ['metadata of 100 000 levels', productWith(`"metadata":${nested(100_000)}`)],
    ['metadata of 400 000 lists', productWith(`"metadata":{"a":${nested(400_000, '[', ']')}}`)],
    ['a body of 400 000 lists', nested(400_000, '[', ']')],
    ['a body that opens 900 000 lists', '['.repeat(900_000)],
    ['a NUL in a value', productWith('"description":"a\\u0000b"')],
    ['a NUL in a key', productWith('"metadata":{"a\\u0000":1}')],
    ['a lone surrogate in a value', productWith('"description":"\\ud83d"')],
    ['a lone surrogate in a key', productWith('"metadata":{"\\udc00":1}')],
    ['surrogates the wrong way round', productWith('"description":"\\udc00\\ud800"')],
    ['a number past all numbers', productWith('"metadata":{"n":1e999}')],
    ['a number past all numbers, below zero', productWith('"metadata":{"n":-1e999}')],
    ['NaN', productWith('"metadata":{"n":NaN}')],
    ['a field nobody knows', productWith('"nmae":"x"')],
    ['a field called __proto__', productWith('"__proto__":{"name":"x"}')],
    ['a field called constructor', productWith('"constructor":{"prototype":{}}')],
    ['fields that are set by us', productWith(`"id":"${randomUUID()}","licensesCount":5`)],
    ['a byte order mark', '\ufeff\ufeff{"name":"A","code":"A"}'],
    ['a comment', '{"name":"A","code":"A"} // x'],
  ])('%s', async (_title, body) => {
    expect(refusal(await post('/products', body))).toEqual([400, 'VALIDATION_ERROR', null]);
  });

  test.each<[string, string, object]>([
    ['a date that is none', '/licenses', { expiresAt: 'soon' }],
    ['a date without a zone', '/licenses', { expiresAt: '2030-01-01T00:00:00' }],
    ['February 30', '/licenses', { expiresAt: '2030-02-30T00:00:00Z' }],
    ['the year 0', '/licenses', { expiresAt: '0000-01-01T00:00:00Z' }],
    ['the year 10 000', '/licenses', { expiresAt: '+010000-01-01T00:00:00Z' }],
    ['the year 10 000 in UTC only', '/licenses', { expiresAt: '9999-12-31T23:59:59-01:00' }],
    ['a date that is a number', '/licenses', { expiresAt: 1_900_000_000 }],
    ['a limit of 0', '/licenses', { maxMachinesOverride: 0 }],
    ['a limit of 2 147 483 648', '/licenses', { maxUsesOverride: 2_147_483_648 }],
    ['a limit of 1.5', '/licenses', { maxUsesOverride: 1.5 }],
    ['a limit that is a text', '/licenses', { maxUsesOverride: '1' }],
    ['an id that is no UUID', '/licenses', { policyId: 'x' }],
    ['an id that is a list', '/licenses', { policyId: [randomUUID()] }],
    ['an id of nothing', '/licenses', { policyId: randomUUID() }],
    ['an email that is none', '/licenses', { userEmail: 'jo' }],
    ['an email with a line break', '/licenses', { userEmail: 'jo@example.com\r\nBcc: x@example.com' }],
    ['an email of 5 KB', '/licenses', { userEmail: `${'x'.repeat(5000)}@example.com` }],
    ['a key of 5 KB', '/licenses', { key: 'x'.repeat(5000) }],
    ['a key with a line break', '/licenses', { key: 'abcdefgh\n12345678' }],
    ['101 entitlements', '/licenses', { entitlementIds: Array.from({ length: 101 }, () => randomUUID()) }],
    ['an entitlement of nothing', '/licenses', { entitlementIds: [randomUUID()] }],
  ])('a license with %s', async (_title, path, fields) => {
    expect(refusal(await post(path, JSON.stringify({ policyId: world.policyId, ...fields })))).toEqual([400, 'VALIDATION_ERROR', null]);
  });

  test.each<[string, object]>([
    ['a key of 5 KB', { key: 'x'.repeat(5000) }], ['an empty key', { key: '' }], ['a key that is a number', { key: 1 }], ['no key', {}],
    ['a fingerprint of 5 KB', { key: 'x', fingerprint: 'x'.repeat(5000) }], ['101 entitlements', { key: 'x', entitlements: Array(101).fill('a') }],
    ['a NUL in the key', { key: 'ACME\u0000' }], ['half a surrogate in the nonce', { key: 'x', nonce: '\ud800' }],
  ])('a validation with %s', async (_title, body) => {
    expect(refusal(await post('/licenses/validate-key', JSON.stringify(body)))).toEqual([400, 'VALIDATION_ERROR', null]);
  });

  test('and __proto__ inside metadata harms nobody', async () => {
    const { status, body } = await post('/products', productWith('"metadata":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'));
    expect([status, body.data.metadata.polluted, ({} as any).polluted]).toEqual([201, undefined, undefined]);
  });
});

describe('another kind of content', () => {
  const good = () => productWith('"description":null');

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'application/json-patch+json', 'application', 'json', ';', ''])('called %j is 415', async (type) => {
    expect(refusal(await post('/products', good(), { 'content-type': type }))).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', null]);
  });

  test.each([['charset', { 'content-type': 'application/json; charset=latin1' }], ['unknown charset', { 'content-type': 'application/json; charset=klingon' }], ['encoding', { 'content-encoding': 'compress' }]])('with another %s is 415', async (_title, headers) => {
    expect(refusal(await post('/products', good(), headers))).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', null]);
  });

  test('that is JSON under any spelling is taken', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"']) expect([type, (await post('/products', good(), { 'content-type': type })).status]).toEqual([type, 201]);
  });

  test('of 3 MB is 413, as it is, in pieces or packed small', async () => {
    const large = productWith(`"description":"${'x'.repeat(3_000_000)}"`);
    expect(refusal(await post('/products', large))).toEqual([413, 'PAYLOAD_TOO_LARGE', null]);
    expect(refusal(await post('/products', large, { 'transfer-encoding': 'chunked' }))).toEqual([413, 'PAYLOAD_TOO_LARGE', null]);
    expect(refusal(await post('/products', gzipSync(large), { 'content-encoding': 'gzip' }))).toEqual([413, 'PAYLOAD_TOO_LARGE', null]);
    expect(refusal(await post('/licenses/validate-key', large))).toEqual([413, 'PAYLOAD_TOO_LARGE', null]);
  });

  test('that says it is packed, and is not, is 400', async () => {
    expect(refusal(await post('/products', good(), { 'content-encoding': 'gzip' }))).toEqual([400, 'VALIDATION_ERROR', null]);
  });
});

describe('an address that is not right', () => {
  test.each([
    '/products?limit=0', '/products?limit=-1', '/products?limit=101', '/products?limit=1e999', '/products?limit=1.5', '/products?limit=', '/products?limit=x',
    `/products?limit=${'9'.repeat(400)}`, '/products?limit=1&limit=2', '/products?limit[]=1', '/products?limit[a]=1', '/products?cursor=', '/products?cursor=x', '/products?unknown=1',
    '/products?__proto__=1', '/products?__proto__[limit]=1', '/products?constructor=1', '/products?cursor=%00', '/products?cursor=%ff',
    '/licenses?key=%00', '/licenses?q=a&q=b', `/licenses?q=${'x'.repeat(5000)}`, '/licenses?status=ACTIVE', '/licenses?status=active&status=active', '/licenses?policyId=x',
    '/licenses?expiresBefore=soon', '/licenses?expiresAfter=2030-02-30T00:00:00Z', '/stripe-events?createdAfter=0000-01-01T00:00:00Z', '/machines?fingerprint=short', '/customers?email=',
  ])('%s is 400', async (path) => {
    expect(refusal(await get(path))).toEqual([400, 'VALIDATION_ERROR', null]);
  });

  test('because of a cursor of another list is 400, on every list', async () => {
    const cursors = { products: world.policyId, policies: world.productId, entitlements: world.licenseId, licenses: world.machineId, machines: world.customerId, customers: world.licenseId, 'stripe-mappings': world.productId, 'stripe-events': 'evt_other' };
    for (const [list, cursor] of Object.entries(cursors)) expect([list, ...refusal(await get(`/${list}?cursor=${cursor}`))]).toEqual([list, 400, 'VALIDATION_ERROR', null]);
  });

  test.each(['/products/%zz', '/products/%', '/products/%e0%a4%a', '/products/%ed%a0%80', '/products/%c0%80', '/products/%00', '/products/a%00b', '/licenses/%zz/suspend'])('%s is 400', async (path) => {
    for (const method of path.endsWith('suspend') ? ['POST'] : ['GET', 'PATCH', 'DELETE']) {
      expect([method, ...refusal(await ask({ method, path: `/api/v1${path}`, headers: asJson(TEST_KEY), ...(method === 'PATCH' && { body: '{}' }) }))]).toEqual([method, 400, 'VALIDATION_ERROR', null]);
    }
  });

  test.each(['x', '1', '-1', 'null', 'undefined', '[object Object]', '..', '%2e%2e%2fproducts', '%2F', "'%20or%201=1", '%F0%9F%98%80', 'x'.repeat(5000), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{01975d6e-3f00-7a10-8c00-000000000001}'])('an id %s is nobody’s: 404', async (id) => {
    for (const resource of ['products', 'policies', 'entitlements', 'licenses', 'machines', 'customers', 'stripe-mappings', 'stripe-events', 'events', 'api-keys']) {
      const path = encodeURI(`/${resource}/`) + id.replaceAll(' ', '%20');
      expect([path, ...refusal(await get(path))]).toEqual([path, 404, 'NOT_FOUND', null]);
    }
  });

  test('an id in capitals is the same id', async () => {
    expect((await get(`/products/${world.productId.toUpperCase()}`)).body.data.id).toBe(world.productId);
  });
});

describe('a header that is not right', () => {
  test.each(['', 'Bearer', 'Bearer ', 'bearer  ', `Bearer ${'x'.repeat(5000)}`, 'Bearer \u00ff', 'Digest x', 'Bearer a b c', `Token ${TEST_KEY}`, TEST_KEY, `Bearer "${TEST_KEY}"`, `Bearer ${TEST_KEY},Bearer ${TEST_KEY}`, 'License', 'License ', `License ${'x'.repeat(5000)}`, `License ${'😀'.repeat(3).replace(/[^\x20-\x7e]/g, '?')}`])('Authorization: %j is 401', async (authorization) => {
    for (const path of ['/products', `/licenses/${world.licenseId}`]) expect([path, ...refusal(await get(path, { authorization }))]).toEqual([path, 401, 'UNAUTHORIZED', null]);
  });

  test.each(['', ' ', 'a b', 'x'.repeat(256), 'x'.repeat(5000), 'é', 'a\tb'])('Idempotency-Key: %j is 400', async (key) => {
    expect(refusal(await post('/products', productWith('"description":null'), { 'idempotency-key': key }))).toEqual([400, 'VALIDATION_ERROR', null]);
  });
});

describe('bytes that are no request', () => {
  const head = 'GET /api/v1/products HTTP/1.1\r\nHost: localhost\r\n';
  test.each<[string, string, number]>([
    ['a method nobody knows', 'FETCH /api/v1/products HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['a NUL in a header', `${head}Authorization: Bearer \u0000\r\n\r\n`, 400],
    ['a header without a name', `${head}: x\r\n\r\n`, 400],
    ['40 KB of headers', `${head}X-Long: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST /api/v1/products HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400],
    ['a length below zero', 'POST /api/v1/products HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400],
  ])('%s', async (_title, bytes, status) => {
    const [top = '', body = ''] = (await sendBytes(tillkey.url, bytes)).split('\r\n\r\n');
    const requestId = /x-request-id: (\S+)/i.exec(top)?.[1];
    expect([top.split(' ')[1], notAnError({ status, body: JSON.parse(body || 'null'), headers: { 'x-request-id': requestId } })]).toEqual([String(status), null]);
  });
});

describe('requests made by chance', () => {
  const COUNT = Number(process.env['TILLKEY_TEST_REQUESTS'] ?? 600);
  /** `TILLKEY_TEST_SEED` tries others. */
  const seed = Number(process.env['TILLKEY_TEST_SEED'] ?? 20_260_301);

  test(`${COUNT} of them, good and bad, are answered as documented and never with a 5xx`, async () => {
    const document = (await ask({ method: 'GET', path: '/api/openapi.json' })).body;
    const table = routes(tillkey.service.dependencies);
    const faults = await generateRequests({ seed, count: COUNT, document, table, ask, renew: () => createWorld(tillkey, ask, TEST_KEY) });
    expect(faults.wrong).toEqual([]);
    // Else they were all refused at the door, and nothing was tried.
    expect(faults.granted).toBeGreaterThan(COUNT / 8);
  }, 60_000);
});
