import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { routes } from '../../src/app.ts';
import type { Route } from '../../src/handlers/http/route.ts';
import { asJson, type Asked, asker, type Heard } from '../support/ask.ts';
import { notAnError, routeOf, undocumented } from '../support/documented.ts';
import { startTestService, TEST_KEY, type TestService } from '../support/service.ts';
import { createWorld, type World } from '../support/world.ts';

let tillkey: TestService;
let table: Route[];
let document: any;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', environment: { RATE_LIMIT_ACTIVATE: '0' } });
  ({ ask, close } = asker(tillkey.url));
  table = routes(tillkey.service.dependencies);
  document = (await ask({ method: 'GET', path: '/api/openapi.json' })).body;
});
afterAll(async () => {
  close();
  await tillkey.stop();
});

type Operation = { path: string; method: string; operation: any };

const operations = (): Operation[] =>
  Object.entries<object>(document.paths).flatMap(([path, byMethod]) => Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })));
const operationAt = ({ method, path }: Route) => document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method];
const jsonOf = (part: any) => part?.content?.['application/json'];
const resolved = (response: any) => (response.$ref ? document.components.responses[response.$ref.split('/').at(-1)] : response);

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  test('has every route of the table, under a name of its own', () => {
    expect(table.filter((route) => !operationAt(route))).toEqual([]);
    const names = operations().map(({ operation }) => operation.operationId);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
    expect(names.filter((name) => !/^[a-z]+([A-Z][a-z]*)*$/.test(name))).toEqual([]);
  });

  test('refers to nothing it does not have', () => {
    const missing = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => pointer!).filter((pointer) => pointer.split('/').reduce((at: any, name) => at?.[name], document) === undefined);
    expect(missing).toEqual([]);
  });

  test('names every parameter of every path', () => {
    for (const { path, operation } of operations()) {
      const named = (operation.parameters ?? []).filter((parameter: any) => parameter.in === 'path').map((parameter: any) => parameter.name);
      expect([path, named]).toEqual([path, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
    }
  });

  test('has an example of every request, which its own schema accepts', () => {
    for (const route of table) {
      const body = jsonOf(operationAt(route).requestBody);
      if (!body) continue;
      const parsed = route.input.safeParse(body.example);
      expect([route.method, route.path, parsed.error?.issues ?? []]).toEqual([route.method, route.path, []]);
    }
  });

  test('has an example of every answer, which its own schema accepts', () => {
    for (const route of table.filter(({ answers }) => answers.body !== null)) {
      const example = jsonOf(operationAt(route).responses[route.answers.status])?.example;
      const parsed = route.answers.body!.safeParse(example);
      expect([route.method, route.path, parsed.error?.issues ?? []]).toEqual([route.method, route.path, []]);
    }
    const bare = operations().filter(({ operation }) => Object.values<any>(operation.responses).some((response) => Object.values<any>(resolved(response).content ?? {}).some(({ example, examples }) => example === undefined && examples === undefined)));
    expect(bare).toEqual([]);
  });

  test('has every error in the one shape', () => {
    for (const [name, response] of Object.entries<any>(document.components.responses)) {
      const [status, ...codes] = name.split('.');
      const { schema, examples } = jsonOf(response);
      expect([name, schema.properties.code.enum, Object.keys(examples)]).toEqual([name, codes, codes]);
      for (const { value } of Object.values<any>(examples)) expect(notAnError({ status: Number(status), body: value, headers: { 'x-request-id': value.requestId } })).toBeNull();
    }
  });

  test.each([
    ['post', '/api/v1/licenses', [201, 400, 401, 403, 409, 413, 415, 422, 429, 500]],
    ['get', '/api/v1/licenses/{id}', [200, 400, 401, 403, 404, 429, 500]],
    ['post', '/api/v1/licenses/validate-key', [200, 400, 413, 415, 429, 500]],
  ])('says what %s %s may answer', (method, path, statuses) => {
    expect(Object.keys(document.paths[path][method].responses).map(Number)).toEqual(statuses);
  });

  test('is loaded once: who has it already is told so', async () => {
    const first = await ask({ method: 'GET', path: '/api/openapi.json' });
    expect(first.headers['content-type']).toMatch(/^application\/json/);
    const again = await ask({ method: 'GET', path: '/api/openapi.json', headers: { 'if-none-match': String(first.headers['etag']) } });
    expect([again.status, again.text]).toEqual([304, '']);
  });
});

describe('real answers are as documented', () => {
  const send = async (method: string, path: string, { body, headers = asJson(TEST_KEY) }: { body?: object; headers?: Record<string, string> } = {}) => {
    const heard = await ask({ method, path, headers, ...(body && { body: JSON.stringify(body) }) });
    expect(undocumented(routeOf(table, method, path), { ...heard, body: heard.body ?? heard.text })).toBeNull();
    return heard;
  };

  test('from the first product to the last machine', async () => {
    const mark = 'walk';
    const product = (await send('POST', '/api/v1/products', { body: { name: 'Acme', code: mark } })).body.data;
    const policy = (await send('POST', '/api/v1/policies', { body: { productId: product.id, name: 'Pro' } })).body.data;
    const entitlement = (await send('POST', '/api/v1/entitlements', { body: { code: mark, name: 'Export' } })).body.data;
    await send('POST', '/api/v1/stripe-mappings', { body: { policyId: policy.id, stripePriceId: 'price_walk' } });
    const license = (await send('POST', '/api/v1/licenses', { body: { policyId: policy.id, userEmail: 'jo@example.com' } })).body.data;
    await send('POST', `/api/v1/licenses/${license.id}/entitlements`, { body: { entitlementIds: [entitlement.id] } });
    const activate = () => send('POST', '/api/v1/machines', { headers: { ...asJson(null), authorization: `License ${license.key}` }, body: { fingerprint: 'fingerprint-walk' } });
    const machine = (await activate()).body.data;
    expect((await activate()).status).toBe(200);
    await send('POST', `/api/v1/machines/${machine.id}/heartbeat`);
    for (const body of [{ key: license.key, fingerprint: 'fingerprint-walk', nonce: 'n' }, { key: license.key }, { key: 'unknown' }]) await send('POST', '/api/v1/licenses/validate-key', { headers: asJson(null), body });
    for (const action of ['suspend', 'reinstate', 'rotate-key', 'reset-usage', 'renew']) await send('POST', `/api/v1/licenses/${license.id}/${action}`);
    await send('PATCH', `/api/v1/licenses/${license.id}`, { body: { name: 'Jo' } });
    await send('PATCH', `/api/v1/machines/${machine.id}`, { body: { name: 'Laptop' } });
    await send('DELETE', `/api/v1/machines/${machine.id}`);
    await send('DELETE', `/api/v1/licenses/${license.id}`);
  });

  test('of every list and of every single resource', async () => {
    const world: World = await createWorld(tillkey, ask, TEST_KEY);
    const ids: Record<string, string> = {
      products: world.productId, policies: world.policyId, entitlements: world.entitlementId, licenses: world.licenseId, machines: world.machineId,
      customers: world.customerId, 'stripe-mappings': world.mappingId, 'stripe-events': world.stripeEventId,
    };
    for (const { path } of table.filter(({ method }) => method === 'get')) {
      const resource = path.split('/')[3] ?? '';
      if (!path.includes(':')) expect((await send('GET', path)).status).toBe(200);
      else if (ids[resource] !== undefined) expect((await send('GET', path.replace(':id', ids[resource]!))).status).toBe(200);
    }
  });
});

describe('the reference', () => {
  const load = (path: string) => ask({ method: 'GET', path });

  test('loads everything from here: the page and what it names speak of no other host', async () => {
    const page = await load('/api/reference');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const names = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThanOrEqual(4);
    for (const name of names) {
      const { status, headers } = await load(new URL(name, `${tillkey.url}/api/reference`).pathname);
      expect([name, status, headers['content-security-policy']]).toEqual([name, 200, page.headers['content-security-policy']]);
    }
    for (const text of [page.text, (await load('/api/reference/start.js')).text, (await load('/api/reference/index.css')).text]) expect(text).not.toMatch(/https?:|\/\//);
  });

  test('lets the browser run only files of ours, and talk only to us', async () => {
    const directives = String((await load('/api/reference')).headers['content-security-policy']).split('; ');
    expect(directives).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]));
    expect((await load('/api/reference')).text).not.toMatch(/<script>|<style|style=|onload=/);
  });

  test('has one address', async () => {
    const { status, headers } = await load('/api/reference/');
    expect([status, new URL(String(headers['location']), `${tillkey.url}/api/reference/`).pathname]).toEqual([308, '/api/reference']);
  });

  test.each(['package.json', 'swagger-ui-bundle.js.map', 'index.html', '%2e%2e/package.json', '..%2fpackage.json'])('serves nothing else: %s', async (name) => {
    expect((await load(`/api/reference/${name}`)).status).toBe(404);
  });
});

describe('another method on a path of ours', () => {
  const known = () => [...new Set(operations().map(({ path }) => path.replace(/\{\w+\}/g, 'x')))];

  test('is 405 with what the path takes, OPTIONS is told it, and none is a 5xx', async () => {
    for (const path of known()) {
      for (const method of ['PUT', 'PATCH', 'DELETE', 'POST', 'GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
        const { status, headers, body } = await ask({ method, path });
        const known405 = status === 405 ? (method === 'HEAD' ? 'no body' : notAnError({ status, headers, body })) : null;
        expect([method, path, status < 500 || path.startsWith('/webhooks'), known405 === 'no body' ? null : known405]).toEqual([method, path, true, null]);
        if (status === 405 || method === 'OPTIONS') expect([path, headers['allow']]).toEqual([path, expect.stringMatching(/\bOPTIONS\b/)]);
      }
    }
  });

  test.each([
    ['PUT', '/api/v1/products', 405, 'GET, HEAD, OPTIONS, POST'],
    ['OPTIONS', '/api/v1/products', 204, 'GET, HEAD, OPTIONS, POST'],
    ['GET', '/webhooks/stripe', 405, 'OPTIONS, POST'],
    ['POST', '/healthz', 405, 'GET, HEAD, OPTIONS'],
    ['PUT', '/api/reference', 405, 'GET, HEAD, OPTIONS'],
    ['PUT', '/api/v1/nothing', 404, undefined],
    ['OPTIONS', '/nothing', 404, undefined],
  ])('%s %s is %i', async (method, path, status, allow) => {
    const heard = await ask({ method, path });
    expect([heard.status, heard.headers['allow']]).toEqual([status, allow]);
  });

  test('HEAD is GET without its body', async () => {
    const { status, text, headers } = await ask({ method: 'HEAD', path: '/api/v1/products', headers: asJson(TEST_KEY) });
    expect([status, text, headers['content-type']]).toEqual([200, '', 'application/json; charset=utf-8']);
  });
});
