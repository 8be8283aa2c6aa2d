import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { routes } from '../../src/app.ts';
import type { Route } from '../../src/handlers/http/route.ts';
import { asJson, type Asked, asker, type Heard } from '../support/ask.ts';
import { notAnError, routeOf } from '../support/documented.ts';
import { everythingOwned } from '../support/owned.ts';
import { LIVE_KEY, startTestService, TEST_KEY, type TestService } from '../support/service.ts';
import { createWorld, insertAccount, insertApiKey, type World } from '../support/world.ts';

/**
 * Every route, called by everybody who may not: refused as documented, with nothing of the owner's in the answer and nothing
 * of the owner's changed. A route that is not in `rows` fails the first test.
 */

/** What another scope's key gets: the same 404 as for nothing, a list without ours, nothing done, 400 for our ids, something made on its own side, the account of its own, or its own time, which live data has none of. */
type Foreign = 'not found' | 'an empty list' | 'nothing' | 'unknown id' | 'its own' | 'its account' | 'its own time';

/** How the owner reaches a real resource of its own. `reached`: the answer when its state says no, by default any success. */
type Row = { path?: (world: World) => string; body?: (world: World) => object; foreign: Foreign | 'open'; reached?: number };

const at = (resource: string, id: (world: World) => string, below = '') => (world: World) => `/api/v1/${resource}/${id(world)}${below}`;
const one = (resource: string, id: (world: World) => string) => ({
  read: { path: at(resource, id), foreign: 'not found' },
  update: (body: object): Row => ({ path: at(resource, id), body: () => body, foreign: 'not found' }),
  remove: (reached?: number): Row => ({ path: at(resource, id), foreign: 'not found', ...(reached && { reached }) }),
  act: (action: string, body: (world: World) => object = () => ({}), reached?: number): Row => ({ path: at(resource, id, `/${action}`), body, foreign: 'not found', ...(reached && { reached }) }),
}) satisfies Record<string, Row | ((...given: never[]) => Row)>;

const product = one('products', ({ productId }) => productId);
const policy = one('policies', ({ policyId }) => policyId);
const entitlement = one('entitlements', ({ entitlementId }) => entitlementId);
const license = one('licenses', ({ licenseId }) => licenseId);
const machine = one('machines', ({ machineId }) => machineId);
const customer = one('customers', ({ customerId }) => customerId);
const mapping = one('stripe-mappings', ({ mappingId }) => mappingId);
const stripeEvent = one('stripe-events', ({ stripeEventId }) => stripeEventId);
const message = one('messages', ({ messageId }) => messageId);
const event = one('events', ({ eventId }) => eventId);
const webhook = one('webhooks', ({ webhookId }) => webhookId);
const delivery = one('webhook-deliveries', ({ deliveryId }) => deliveryId);
const apiKey = one('api-keys', ({ apiKeyId }) => apiKeyId);

const grants = ({ entitlementId }: World) => ({ entitlementIds: [entitlementId] });
/** A name for what a stranger makes on its own side. */
const fresh = () => `new-${randomUUID()}`;
const list: Row = { foreign: 'an empty list' };

const rows: Record<string, Row> = {
  'post /api/v1/licenses/validate-key': { body: ({ licenseKey }) => ({ key: licenseKey }), foreign: 'open' },
  'get /.well-known/jwks.json': { foreign: 'open' },
  'get /public-keys': { foreign: 'open' },
  'get /api/v1/public-keys': { foreign: 'open' },

  'get /api/v1/products': list,
  'post /api/v1/products': { body: () => ({ name: 'New', code: fresh() }), foreign: 'its own' },
  'get /api/v1/products/:id': product.read,
  'patch /api/v1/products/:id': product.update({ name: 'Taken' }),
  'delete /api/v1/products/:id': product.remove(409),

  'get /api/v1/policies': list,
  'post /api/v1/policies': { body: ({ productId }) => ({ productId, name: 'New' }), foreign: 'unknown id' },
  'get /api/v1/policies/:id': policy.read,
  'patch /api/v1/policies/:id': policy.update({ name: 'Taken' }),
  'delete /api/v1/policies/:id': policy.remove(409),
  'post /api/v1/policies/:id/entitlements': policy.act('entitlements', grants),
  'delete /api/v1/policies/:id/entitlements': policy.act('entitlements', grants),

  'get /api/v1/entitlements': list,
  'post /api/v1/entitlements': { body: () => ({ code: fresh(), name: 'New' }), foreign: 'its own' },
  'get /api/v1/entitlements/:id': entitlement.read,
  'patch /api/v1/entitlements/:id': entitlement.update({ name: 'Taken' }),
  'delete /api/v1/entitlements/:id': entitlement.remove(),

  'get /api/v1/licenses': list,
  'post /api/v1/licenses': { body: ({ policyId }) => ({ policyId }), foreign: 'unknown id' },
  'get /api/v1/licenses/:id': license.read,
  'patch /api/v1/licenses/:id': license.update({ name: 'Taken' }),
  'delete /api/v1/licenses/:id': license.remove(),
  'post /api/v1/licenses/:id/suspend': license.act('suspend'),
  'post /api/v1/licenses/:id/reinstate': license.act('reinstate', () => ({ expiresAt: '2032-01-01T00:00:00Z' }), 409),
  'post /api/v1/licenses/:id/revoke': license.act('revoke'),
  'post /api/v1/licenses/:id/ban': license.act('ban'),
  'post /api/v1/licenses/:id/renew': license.act('renew', () => ({ expiresAt: '2032-01-01T00:00:00Z' })),
  'post /api/v1/licenses/:id/rotate-key': license.act('rotate-key'),
  'post /api/v1/licenses/:id/reset-usage': license.act('reset-usage'),
  'post /api/v1/licenses/:id/resync': license.act('resync', () => ({}), 409),
  'post /api/v1/licenses/:id/entitlements': license.act('entitlements', grants),
  'delete /api/v1/licenses/:id/entitlements': license.act('entitlements', grants),
  'post /api/v1/licenses/:id/checkout': license.act('checkout', ({ fingerprint }) => ({ fingerprint })),

  'get /api/v1/licenses/:id/entitlement-record': { path: at('licenses', ({ licenseId }) => licenseId, '/entitlement-record'), foreign: 'not found' },
  'get /api/v1/entitlement-records': list,

  'get /api/v1/machines': list,
  'post /api/v1/machines': { body: ({ licenseId, mark }) => ({ licenseId, fingerprint: `another-${mark}` }), foreign: 'not found' },
  'get /api/v1/machines/:id': machine.read,
  'patch /api/v1/machines/:id': machine.update({ name: 'Taken' }),
  'delete /api/v1/machines/:id': machine.remove(),
  'post /api/v1/machines/:id/heartbeat': machine.act('heartbeat'),

  'get /api/v1/customers': list,
  'post /api/v1/customers': { body: () => ({ email: `${fresh()}@example.com` }), foreign: 'its own' },
  'get /api/v1/customers/:id': customer.read,
  'patch /api/v1/customers/:id': customer.update({ name: 'Taken' }),
  'delete /api/v1/customers/:id': customer.remove(409),
  'post /api/v1/customers/:id/ban': customer.act('ban'),
  'post /api/v1/customers/:id/unban': customer.act('unban', () => ({}), 409),
  'post /api/v1/customers/:id/portal-link': customer.act('portal-link'),

  'get /api/v1/messages': list,
  'post /api/v1/messages/:id/resend': message.act('resend'),

  'get /api/v1/account': { foreign: 'its account' },
  'patch /api/v1/account': { body: () => ({ websiteUrl: 'https://acme.example' }), foreign: 'its account' },

  'get /api/v1/stripe-mappings': list,
  'post /api/v1/stripe-mappings': { body: ({ policyId, mark }) => ({ policyId, stripePriceId: `price_new_${mark}` }), foreign: 'unknown id' },
  'get /api/v1/stripe-mappings/:id': mapping.read,
  'patch /api/v1/stripe-mappings/:id': mapping.update({ active: false }),
  'delete /api/v1/stripe-mappings/:id': mapping.remove(),

  'post /api/v1/stripe-mappings/preview': { body: ({ stripeEventId }) => ({ eventId: stripeEventId }), foreign: 'not found' },
  'post /api/v1/stripe-mappings/:id/apply': mapping.act('apply'),
  'post /api/v1/stripe-subscriptions/:id/resync': { path: at('stripe-subscriptions', ({ stripeSubscriptionId }) => stripeSubscriptionId, '/resync'), foreign: 'not found' },

  'get /api/v1/stripe-events': list,
  'get /api/v1/stripe-events/:id': stripeEvent.read,
  'post /api/v1/stripe-events/:id/replay': stripeEvent.act('replay'),
  'post /api/v1/stripe-events/replay': { body: () => ({ type: 'product.created' }), foreign: 'nothing' },

  'get /api/v1/events': list,
  'get /api/v1/events/:id': event.read,

  'get /api/v1/webhooks': list,
  'post /api/v1/webhooks': { body: () => ({ url: 'http://127.0.0.1:1/hooks' }), foreign: 'its own' },
  'get /api/v1/webhooks/:id': webhook.read,
  'patch /api/v1/webhooks/:id': webhook.update({ description: 'Taken' }),
  'delete /api/v1/webhooks/:id': webhook.remove(),
  'post /api/v1/webhooks/:id/rotate-secret': webhook.act('rotate-secret'),
  'get /api/v1/webhooks/:id/deliveries': { path: at('webhooks', ({ webhookId }) => webhookId, '/deliveries'), foreign: 'not found' },
  'get /api/v1/webhook-deliveries/:id': delivery.read,
  'post /api/v1/webhook-deliveries/:id/redeliver': delivery.act('redeliver'),

  'get /api/v1/api-keys': list,
  'post /api/v1/api-keys': { body: () => ({ name: 'New' }), foreign: 'its own' },
  'get /api/v1/api-keys/:id': apiKey.read,
  'patch /api/v1/api-keys/:id': apiKey.update({ name: 'Taken' }),
  'delete /api/v1/api-keys/:id': apiKey.remove(),

  'get /api/v1/test-clock': { foreign: 'its own time' },
  'put /api/v1/test-clock': { body: () => ({ now: new Date(Date.now() + 3_600_000) }), foreign: 'its own time' },
  'delete /api/v1/test-clock': { foreign: 'its own time' },
};

let tillkey: TestService;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
let world: World;
let table: Route[];
let keys: { unscoped: string; expired: string; deleted: string; otherAccount: string; otherLicense: string; deletedLicense: string };

beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', environment: { RATE_LIMIT_ACTIVATE: '0' } });
  ({ ask, close } = asker(tillkey.url));
  table = routes(tillkey.service.dependencies);
  const scopeId = tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!.id;
  world = await createWorld(tillkey, ask, TEST_KEY);
  const gone = await createWorld(tillkey, ask, TEST_KEY);
  await ask({ method: 'DELETE', path: `/api/v1/licenses/${gone.licenseId}`, headers: asJson(TEST_KEY) });
  keys = {
    deletedLicense: gone.licenseKey,
    unscoped: await insertApiKey(tillkey, { scopeId, scopes: ['nothing:read'] }),
    expired: await insertApiKey(tillkey, { scopeId, expiresAt: '2020-01-01T00:00:00Z' }),
    deleted: await insertApiKey(tillkey, { scopeId, deletedAt: '2020-01-01T00:00:00Z' }),
    otherAccount: await insertApiKey(tillkey, await insertAccount(tillkey)),
    otherLicense: (await createWorld(tillkey, ask, TEST_KEY)).licenseKey,
  };
});
afterAll(async () => {
  close();
  await tillkey.stop();
});

const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

function requestOf(name: string, of: World, headers: Record<string, string>): Asked {
  const [method = '', path = ''] = name.split(' ');
  const { path: reach, body } = rows[name]!;
  return { method: method.toUpperCase(), path: reach ? reach(of) : path, headers: { 'content-type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body(of)) }) };
}

/** Whatever tells of the owner's data: its ids, its key, and the names that its things were given. */
function told({ text }: Heard, asked: Asked): string[] {
  const secret = Object.values(world).filter((value) => !asked.path.includes(value) && !(asked.body ?? '').includes(value));
  return secret.filter((value) => text.includes(value));
}

type Stranger = { who: string; headers: () => Record<string, string>; status: number; code: string };

const bearer = (key: () => string) => () => ({ authorization: `Bearer ${key()}` });
const unauthorized = { status: 401, code: 'UNAUTHORIZED' };

/** Who is let in nowhere that needs a key. */
const strangers: Stranger[] = [
  { who: 'nobody', headers: () => ({}), ...unauthorized },
  { who: 'Basic', headers: () => ({ authorization: `Basic ${Buffer.from(`${TEST_KEY}:`).toString('base64')}` }), ...unauthorized },
  { who: 'a key without a scheme', headers: () => ({ authorization: TEST_KEY }), ...unauthorized },
  { who: 'an unknown API key', headers: bearer(() => `lk_test_${'x'.repeat(32)}`), ...unauthorized },
  { who: 'a live key that is the test key but for its mode', headers: bearer(() => TEST_KEY.replace('test', 'live')), ...unauthorized },
  { who: 'an expired API key', headers: bearer(() => keys.expired), ...unauthorized },
  { who: 'a deleted API key', headers: bearer(() => keys.deleted), ...unauthorized },
  { who: 'a license key as an API key', headers: bearer(() => world.licenseKey), ...unauthorized },
  { who: 'an unknown license key', headers: () => ({ authorization: 'License ACME-0000-0000-0000-0000' }), ...unauthorized },
  { who: 'the key of a deleted license', headers: () => ({ authorization: `License ${keys.deletedLicense}` }), ...unauthorized },
  { who: 'an API key without the permission', headers: bearer(() => keys.unscoped), status: 403, code: 'FORBIDDEN' },
];

/** No status: the one of success. `live`: what the live key gets, where not the same. */
const expected: Record<Foreign, { status?: number; code?: string; live?: { status: number; code: string } }> = {
  'not found': { status: 404, code: 'NOT_FOUND' },
  'unknown id': { status: 400, code: 'VALIDATION_ERROR' },
  'an empty list': { status: 200 },
  'nothing': { status: 200 },
  'its own': { status: 201 },
  'its own time': { live: { status: 403, code: 'FORBIDDEN' } },
  'its account': { status: 200 },
};

test('every route has a row here, and every row a route', () => {
  expect(Object.keys(rows).sort()).toEqual(table.map(nameOf).sort());
});

test('what is open says so, and nothing else is', () => {
  const open = table.filter(({ access }) => 'open' in access).map(nameOf).sort();
  expect(open).toEqual(Object.keys(rows).filter((name) => rows[name]!.foreign === 'open').sort());
});

const guarded = Object.keys(rows).filter((name) => rows[name]!.foreign !== 'open');

describe('changes nothing and tells nothing', () => {
  let before: Record<string, string>;
  beforeAll(async () => {
    before = await everythingOwned(tillkey);
  });

  const refused = async (name: string, { headers, status, code, who }: Stranger) => {
    const asked = requestOf(name, world, headers());
    const heard = await ask(asked);
    expect([who, heard.status, heard.body?.code, notAnError(heard), told(heard, asked)]).toEqual([who, status, code, null, []]);
  };

  test.each(guarded)('%s, asked by a stranger', async (name) => {
    for (const stranger of strangers) await refused(name, stranger);
  });

  test.each(guarded)('%s, asked by an app: with the key of a license where none is taken, or with that of another license', async (name) => {
    const { access } = routeOf(table, ...(name.split(' ') as [string, string]));
    const taken = 'permission' in access && access.license !== undefined;
    if (!taken) await refused(name, { who: 'the license itself', headers: () => ({ authorization: `License ${world.licenseKey}` }), ...unauthorized });
    else await refused(name, { who: 'another license', headers: () => ({ authorization: `License ${keys.otherLicense}` }), status: 404, code: 'NOT_FOUND' });
  });

  test.each(guarded)('%s, asked with the other mode’s key or another account’s', async (name) => {
    const other = expected[rows[name]!.foreign as Foreign];
    const success = routeOf(table, ...(name.split(' ') as [string, string])).answers.status;
    for (const [who, key, { status = success, code }] of [['the live key', LIVE_KEY, other.live ?? other], ['another account', keys.otherAccount, other]] as const) {
      const asked = requestOf(name, world, { authorization: `Bearer ${key}` });
      const heard = await ask(asked);
      expect([who, heard.status, heard.body?.code, told(heard, asked)]).toEqual([who, status, code, []]);
    }
  });

  test('and afterwards everything of the owner’s is as it was', async () => {
    expect(await everythingOwned(tillkey)).toEqual(before);
  });
});

describe('and the owner is let in, so the refusals above were about who asked', () => {
  test.each(Object.keys(rows))('%s', async (name) => {
    const mine = await createWorld(tillkey, ask, TEST_KEY);
    const { status, text } = await ask(requestOf(name, mine, asJson(TEST_KEY)));
    expect([status, rows[name]!.reached === undefined ? status < 300 : status === rows[name]!.reached, text]).toEqual([status, true, text]);
  });
});
