import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { otherInterfaces } from '../../src/app.ts';
import type { OtherInterface } from '../../src/handlers/compat/other-interface.ts';
import type { Route } from '../../src/handlers/http/route.ts';
import { asJson, type Asked, asker, type Heard } from '../support/ask.ts';
import { everythingOwned } from '../support/owned.ts';
import { LIVE_KEY, startTestService, TEST_KEY, type TestService } from '../support/service.ts';
import { createWorld, insertAccount, insertApiKey, type World } from '../support/world.ts';

/** What holds for every route of every other system's interface: a route that is new is tried here by itself. */

type Case = { other: OtherInterface; route: Route };

let tillkey: TestService;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
let world: World;
let number: string;
let cases: Case[];

beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', environment: { RATE_LIMIT_ACTIVATE: '0' } });
  ({ ask, close } = asker(tillkey.url));
  world = await createWorld(tillkey, ask, TEST_KEY);
  cases = otherInterfaces(tillkey.service.dependencies).flatMap((other) => other.routes.map((route) => ({ other, route })));
  const [row] = await tillkey.service.dependencies.database.em.fork().execute<{ number: number }[]>('select number from licenses where id = ?', [world.licenseId]);
  number = String(row!.number);
});
afterAll(async () => {
  close();
  await tillkey.stop();
});

const nameOf = ({ route: { method, path } }: Case) => `${method} ${path}`;
const isOpen = ({ route }: Case) => 'open' in route.access;

/** Everything that any of them asks for: each takes what it knows and leaves the rest. */
const bodyOf = (): Record<string, unknown> => ({
  license_key: world.licenseKey, licenseKey: world.licenseKey, key: world.licenseKey,
  instance_id: world.machineId, instance_name: 'Laptop', deviceId: world.fingerprint, deviceName: 'Laptop',
  customerId: world.customerId, productId: world.productId, maxActivations: 3, features: { api_access: true, max_users: 50 }, expiresAt: '2031-01-01T00:00:00Z',
  status: 'active', active: true, limit: 3, expires_at: '2031-01-01T00:00:00Z',
});

const places: Record<string, () => string> = {
  ':key': () => world.licenseKey, ':id': () => number, ':uuid': () => world.machineId, ':instanceId': () => world.machineId, ':deviceId': () => world.fingerprint,
};

function requestOf({ route }: Case, { headers = asJson(TEST_KEY), body = bodyOf() }: { headers?: Record<string, string>; body?: unknown } = {}): Asked {
  const path = route.path.replace(/:\w+/g, (place) => encodeURIComponent(places[place]!()));
  return { method: route.method.toUpperCase(), path, headers, ...(route.method !== 'get' && { body: typeof body === 'string' ? body : JSON.stringify(body) }) };
}

/** What is wrong with an answer; null when it is one that its interface may give. */
function faultOf(one: Case, { status, body, text, headers }: Heard): string | null {
  const where = `${nameOf(one)} ${status}: ${text.slice(0, 300)}`;
  if (status >= 500 || status < 200) return where;
  if (status === 204) return text === '' ? null : where;
  if (!String(headers['content-type']).startsWith('application/json')) return `no JSON: ${where}`;
  if (status < 400) return one.route.answers.body?.safeParse(body).success === true ? null : `undocumented: ${where}`;
  return typeof (body?.error ?? body?.message) === 'string' ? null : `no reason: ${where}`;
}

test('what an app calls is open, and nothing else is', () => {
  expect(cases.filter(isOpen).map(nameOf).sort()).toEqual([
    'post /api/licenses/validate', 'post /api/licenses/verify', 'post /v1/licenses/activate', 'post /v1/licenses/deactivate', 'post /v1/licenses/validate',
  ]);
});

test('what is open may be asked by the page of any site, and nothing else may', async () => {
  for (const one of [...cases, { route: { method: 'post', path: '/api/v1/licenses/validate-key', access: { open: 'validate' } } } as Case]) {
    for (const method of ['OPTIONS', one.route.method.toUpperCase()]) {
      const { headers } = await ask({ ...requestOf(one), method, headers: { ...asJson(null), origin: 'https://app.example.com' } });
      expect([method, nameOf(one), headers['access-control-allow-origin']]).toEqual([method, nameOf(one), isOpen(one) ? '*' : undefined]);
    }
  }
});

test('whoever has no right is refused in the words of the interface, and nothing is changed or told', async () => {
  const scopeId = tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!.id;
  const bearer = (key: string) => ({ ...asJson(null), authorization: `Bearer ${key}` });
  const strangers: [Record<string, string>, number][] = [
    [asJson(null), 401],
    [bearer(`lk_test_${'x'.repeat(32)}`), 401],
    [bearer(await insertApiKey(tillkey, { scopeId, expiresAt: '2020-01-01T00:00:00Z' })), 401],
    [bearer(world.licenseKey), 401],
    [{ ...asJson(null), authorization: `License ${world.licenseKey}` }, 401],
    [bearer(await insertApiKey(tillkey, { scopeId, scopes: ['products:read'] })), 403],
  ];
  const before = await everythingOwned(tillkey);
  for (const one of cases.filter((each) => !isOpen(each))) {
    for (const [headers, status] of strangers) {
      const heard = await ask(requestOf(one, { headers }));
      expect([nameOf(one), heard.status, faultOf(one, heard)]).toEqual([nameOf(one), status, null]);
      expect([nameOf(one), heard.headers['www-authenticate']]).toEqual([nameOf(one), status === 401 ? 'Bearer' : undefined]);
    }
  }
  expect(await everythingOwned(tillkey)).toEqual(before);
});

test('another account and the other mode reach nothing of ours', async () => {
  const others = [LIVE_KEY, await insertApiKey(tillkey, await insertAccount(tillkey))];
  const before = await everythingOwned(tillkey);
  for (const one of cases.filter((each) => !isOpen(each))) {
    for (const key of others) {
      const asked = requestOf(one, { headers: asJson(key) });
      const heard = await ask(asked);
      const secret = Object.values(world).filter((value) => !asked.path.includes(value) && !(asked.body ?? '').includes(value));
      expect([nameOf(one), faultOf(one, heard), secret.filter((value) => heard.text.includes(value))]).toEqual([nameOf(one), null, []]);
      const empty = heard.status === 200 && (Array.isArray(heard.body) ? heard.body : heard.body.data).length === 0;
      expect([nameOf(one), empty || [400, 404, 422].includes(heard.status)]).toEqual([nameOf(one), true]);
    }
  }
  expect(await everythingOwned(tillkey)).toEqual(before);
});

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
const wrong: unknown[] = [null, true, -1, 1.5, 2 ** 53, '', 'x', 'x'.repeat(5000), 'a\u0000b', '\ud800', '2026-02-30T00:00:00Z', '9999-12-31T23:59:59-01:00', [], [["x"]], {}, { a: 1 }, nested(40)];
const broken = ['', '{', '[]', 'null', '"text"', '1', '{"license_key":1e999}', '\ufeff{}', `{"a":${'['.repeat(100_000)}`, `{"__proto__":{"license_key":"x"}}`];

/** What a route reads of a body. */
const fieldsOf = ({ route }: Case) => Object.keys(z.toJSONSchema(route.input, { io: 'input', unrepresentable: 'any' }).properties ?? {});

test('a body that is not right is refused in the words of the interface, whatever is wrong with it', async () => {
  for (const one of cases.filter(({ route }) => route.method !== 'get')) {
    const spoiled = fieldsOf(one).flatMap((field) => wrong.map((value) => ({ ...bodyOf(), [field]: value })));
    const faults = await Promise.all([...broken, ...spoiled].map(async (body) => faultOf(one, await ask(requestOf(one, { body })))));
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
    const large = await ask(requestOf(one, { body: { ...bodyOf(), padding: 'x'.repeat(1_100_000) } }));
    expect([nameOf(one), large.status, faultOf(one, large)]).toEqual([nameOf(one), 413, null]);
    const plain = await ask(requestOf(one, { headers: { ...asJson(TEST_KEY), 'content-type': 'text/plain' } }));
    expect([nameOf(one), plain.status, faultOf(one, plain)]).toEqual([nameOf(one), 415, null]);
  }
  expect(({} as any).license_key).toBeUndefined();
}, 60_000);

test('a path that is not right is refused in the words of the interface', async () => {
  const parts = ['x', '0', '-1', '1.5', '99999999999999999999', '%00', '%ed%a0%80', '%F0%9F%98%80', "'--", 'x'.repeat(3000), '00000000-0000-0000-0000-000000000000', '%2F', '..%2f', '%zz'];
  for (const one of cases.filter(({ route }) => route.path.includes(':'))) {
    for (const place of one.route.path.match(/:\w+/g) ?? []) {
      for (const part of parts) {
        const path = one.route.path.replace(place, part).replace(/:\w+/g, (rest) => encodeURIComponent(places[rest]!()));
        const heard = await ask({ ...requestOf(one), path });
        expect([path, faultOf(one, heard), heard.status >= 400]).toEqual([path, null, true]);
      }
    }
  }
});

test('a path that nobody serves is 404, another method 405, as JSON of the interface', async () => {
  for (const one of cases) {
    const { at } = one.other;
    const unknown = await ask({ method: 'GET', path: `${at}/nothing/of/the/kind`, headers: asJson(TEST_KEY) });
    expect([at, unknown.status, faultOf(one, unknown)]).toEqual([at, 404, null]);
    const { path } = requestOf(one);
    const other = await ask({ method: 'PROPFIND', path });
    expect([path, other.status, faultOf(one, other)]).toEqual([path, 405, null]);
    const options = await ask({ method: 'OPTIONS', path });
    expect([path, options.status, options.headers['allow']]).toEqual([path, 204, expect.stringContaining(one.route.method.toUpperCase())]);
  }
});
