import type { Route } from '../../src/handlers/http/route.ts';
import type { Asked, Heard } from './ask.ts';
import { notAnError, undocumented } from './documented.ts';
import { seededRandom } from './fake-stripe/random.ts';
import { TEST_KEY } from './service.ts';
import type { World } from './world.ts';

/**
 * Requests made from the OpenAPI document: its examples with real ids in them, most of them then spoiled somewhere. Whatever
 * is answered must be in the document.
 */

type Setting = { seed: number; count: number; document: any; table: Route[]; ask: (asked: Asked) => Promise<Heard>; renew: () => Promise<World> };

export type Findings = { granted: number; wrong: object[] };

/** How many requests share a world, before what they deleted and banned leaves too little to try. */
const WORLD = 150;
const AT_ONCE = 8;

export async function generateRequests({ seed, count, document, table, ask, renew }: Setting): Promise<Findings> {
  const chance = chanceOf(seed);
  const operations = operationsOf(document, table);
  const findings: Findings = { granted: 0, wrong: [] };
  for (let done = 0; done < count; done += WORLD) {
    const world = await renew();
    const batch = Array.from({ length: Math.min(WORLD, count - done) }, () => makeRequest(chance, chance.pick(operations), idsOf(document, world), world));
    const next = batch.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const { operation, asked } of next) {
        const heard = await ask(asked).catch((error: unknown) => ({ status: 0, headers: {}, text: String(error), body: undefined }));
        if (heard.status >= 200 && heard.status < 300) findings.granted += 1;
        const fault = faultOf(operation, heard);
        if (fault !== null) findings.wrong.push({ seed, fault, asked: { ...asked, body: String(asked.body ?? '').slice(0, 500) }, status: heard.status, text: heard.text.slice(0, 300) });
      }
    }));
  }
  return findings;
}

type Operation = { method: string; template: string; described: any; route: Route | undefined; codes: Map<number, string[]> };

/** Those that destroy come up less often: each is in the list as many times as it should. */
function operationsOf(document: any, table: Route[]): Operation[] {
  return Object.entries<object>(document.paths).flatMap(([template, byMethod]) => Object.entries<any>(byMethod).flatMap(([method, described]) => {
    const route = table.find((one) => one.method === method && one.path.replace(/:(\w+)/g, '{$1}') === template);
    const codes = new Map(Object.entries<any>(described.responses).map(([status, { $ref }]) => [Number(status), $ref ? $ref.split('/').at(-1).split('.').slice(1) : []]));
    const destroys = method === 'delete' || /\/(ban|revoke|rotate-key)$/.test(template);
    return Array<Operation>(destroys ? 1 : 5).fill({ method, template, described, route, codes });
  }));
}

/** What is not as documented; null when all is. */
function faultOf({ route, codes }: Operation, heard: Heard): string | null {
  const { status, body, text } = heard;
  const documented = codes.get(status);
  if (documented === undefined || status >= 500) return `undocumented status ${status}`;
  if (status < 400) return route ? undocumented(route, { ...heard, body: body ?? text }) : null;
  if (!documented.includes(body?.code)) return `undocumented code ${body?.code}`;
  return notAnError(heard);
}

/** The ids of the document's examples, and the real ones to put in their place. */
function idsOf(document: any, world: World): [string, string][] {
  const { Product, Policy, Entitlement, License, Machine, Customer, StripeMapping, StripeEvent, Event, ApiKey, Webhook, WebhookDelivery } = document.components.schemas;
  const real: [any, string][] = [
    [Product, world.productId], [Policy, world.policyId], [Entitlement, world.entitlementId], [License, world.licenseId], [Machine, world.machineId], [Customer, world.customerId],
    [StripeMapping, world.mappingId], [StripeEvent, world.stripeEventId], [Event, world.eventId], [ApiKey, world.apiKeyId],
    [Webhook, world.webhookId], [WebhookDelivery, world.deliveryId],
  ];
  const subscription: string = document.components.schemas.ResyncedSubscription.examples[0].stripeSubscriptionId;
  return [[subscription, world.stripeSubscriptionId], ...real.flatMap(([schema, id]): [string, string][] => (schema ? [[schema.examples[0].id, id]] : []))];
}

type Chance = ReturnType<typeof chanceOf>;

function chanceOf(seed: number) {
  const random = seededRandom(seed);
  const whole = (below: number): number => Math.floor(random() * below);
  return { whole, pick: <T>(of: T[]): T => of[whole(of.length)]! };
}

/** One in three as the document has it, the others spoiled in one place or two. */
function makeRequest(chance: Chance, operation: Operation, ids: [string, string][], world: World): { operation: Operation; asked: Asked } {
  const real = (text: string) => ids.reduce((changed, [example, id]) => changed.replaceAll(example, id), text);
  const { method, template, described } = operation;
  const content = described.requestBody?.content['application/json'];
  const parameters: any[] = described.parameters ?? [];
  const draft: Draft = {
    path: template.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(real(String(parameters.find((parameter) => parameter.name === name)?.example)))),
    query: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    asked: [],
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    // A name that must be unique is taken after the first request, so most get another.
    body: content === undefined ? undefined : JSON.parse(real(JSON.stringify(content.example)).replaceAll(/"(ACME|export|price_1QwErTyAcmePro|jo@example\.com)"/g, (_whole, name: string) => `"${chance.whole(1e6).toString(36)}${name}"`)),
    world,
  };
  for (let n = chance.pick([0, 1, 1, 2]); n > 0; n -= 1) chance.pick(spoilers)(chance, draft);
  const query = draft.asked.map(([name, value]) => `${name}=${value}`).join('&');
  const body = draft.raw ?? (draft.body === undefined ? undefined : JSON.stringify(draft.body));
  return { operation, asked: { method: method.toUpperCase(), path: draft.path + (query && `?${query}`), headers: draft.headers, ...(body !== undefined && { body }) } };
}

type Draft = { path: string; query: string[]; asked: [string, string][]; headers: Record<string, string>; body: any; raw?: string; world: World };

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });

/** Values that something, somewhere, once fell over. */
const values: unknown[] = [
  null, true, false, 0, -0, -1, 1, 1.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, '', ' ', 'x', 'x'.repeat(300), 'x'.repeat(5000), '😀'.repeat(200), 'é\u0301', '\u0000', 'a\u0000b', '\ud800', '\ufeff', '\u202e',
  '0', '-1', '1e999', 'null', 'true', '[]', '{}', "'; drop table licenses; --", '%', '_%', '\\', '$1', '${x}', '__proto__', 'constructor', '../..', '<script>', 'a@b.co', 'jo@example.com\n',
  '2026-02-30T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-23:59', '2030-01-01', '2030-01-01T00:00:00+14:00', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  [], [[]], [null], {}, { a: 1 }, { $ne: null }, { length: 1e9 }, { toString: 'x' }, deep(10), deep(40), Array(101).fill('x'), Array(2000).fill(0),
];

const inAddress = ['', '0', '-1', '1', '101', '1e999', 'x', '%00', '%ff', '%zz', '%', '%ed%a0%80', '%F0%9F%98%80', '..', '%2F', 'x'.repeat(3000), '2026-02-30T00:00:00Z', '9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z', "'--", '%25', '_', '%5C', '00000000-0000-0000-0000-000000000000', 'active', '%7B%7D', '[]'];
const credentials = ['', 'Bearer', 'Bearer x', 'Basic eDp4', `Bearer ${TEST_KEY}x`, `bearer ${TEST_KEY}`, 'License x', 'License ACME-0000-0000-0000-0000', 'License', 'Bearer \u00e9', `Bearer ${'x'.repeat(3000)}`];
const types = ['', 'text/plain', 'application/json; charset=utf-16', 'application/json; charset=utf-7', 'application/x-www-form-urlencoded', 'application/vnd.api+json', 'multipart/form-data', 'APPLICATION/JSON'];

/** Any place in a body: the object or list that holds it, and its name there. */
function placesIn(body: any): [any, string][] {
  if (body === null || typeof body !== 'object') return [];
  return Object.keys(body).flatMap((name) => [[body, name] as [any, string], ...placesIn(body[name])]);
}

const spoilers: ((chance: Chance, draft: Draft) => void)[] = [
  (chance, draft) => {
    const [holder, name] = chance.pick(placesIn(draft.body)) ?? [];
    if (holder) holder[name!] = structuredClone(chance.pick(values));
  },
  (chance, draft) => {
    const [holder, name] = chance.pick(placesIn(draft.body)) ?? [];
    if (holder) Reflect.deleteProperty(holder, name!);
  },
  (chance, draft) => {
    const [holder, name] = chance.pick(placesIn(draft.body)) ?? [];
    if (holder) holder[name!] = chance.pick(Object.values(draft.world));
  },
  (chance, draft) => {
    if (typeof draft.body === 'object' && draft.body) draft.body[chance.pick(['metadata', 'expiresAt', 'name', 'id', 'scopeId', 'unknown', 'maxUses', 'key', 'licenseId'])] = structuredClone(chance.pick(values));
  },
  (chance, draft) => (draft.body = structuredClone(chance.pick(values))),
  (chance, draft) => {
    const text = JSON.stringify(draft.body ?? {});
    const at = chance.whole(text.length);
    draft.raw = chance.pick([text.slice(0, at), text.slice(0, at) + chance.pick(['"', '{', ']', '\u0000', '\\', '1e999', ',']) + text.slice(at), `${text}${text}`, `{"__proto__":${text}}`, '']);
  },
  (chance, draft) => draft.asked.push([chance.pick([...draft.query, ...draft.query, 'limit', 'unknown', '__proto__', 'limit[]']), chance.pick(inAddress)]),
  (chance, draft) => draft.asked.push([chance.pick([...draft.query, 'cursor']), encodeURIComponent(chance.pick(Object.values(draft.world)))]),
  (chance, draft) => (draft.path = draft.path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|(?:evt|sub)_\w+/, () => chance.pick([...inAddress.filter((text) => text !== '' && text !== '..'), ...Object.values(draft.world).map(encodeURIComponent)]))),
  (chance, draft) => (draft.headers['authorization'] = chance.pick([...credentials, `License ${draft.world.licenseKey}`, `License ${draft.world.licenseKey}`])),
  (chance, draft) => Reflect.deleteProperty(draft.headers, chance.pick(['authorization', 'content-type'])),
  (chance, draft) => (draft.headers['content-type'] = chance.pick(types)),
  (chance, draft) => (draft.headers['idempotency-key'] = chance.pick(['', 'a b', 'x'.repeat(256), 'é', 'once', 'twice', chance.whole(1e9).toString(36)])),
  (chance, draft) => (draft.headers[chance.pick(['accept', 'content-encoding', 'x-forwarded-for', 'range', 'x-http-method-override'])] = chance.pick(['', '*', 'gzip', 'identity', 'x', '127.0.0.1, x', 'bytes=0-1', 'DELETE'])),
];
