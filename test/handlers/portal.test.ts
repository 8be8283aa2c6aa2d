import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { newId } from '../../src/database/uuid.ts';
import { messagePage } from '../../src/handlers/portal/layout.ts';
import { activate, createEntitlement, createLicense, createPolicy } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';
import { deliver, firstMonth } from '../support/webhook.ts';
import { createCatalog } from '../support/catalog.ts';

const start = new Date('2026-06-01T08:00:00.000Z');
const clock = testClock(start);

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ clock, environment: { RATE_LIMIT_ACTIVATE: '0' } });
});
afterAll(() => tillkey.stop());

/** A second service, stopped after the test whatever comes of it. */
const beside: TestService[] = [];
const startBeside = async (choice: Parameters<typeof startTestService>[0]) => {
  const started = await startTestService({ role: 'web', clock, ...choice });
  beside.push(started);
  return started;
};
afterEach(async () => {
  for (const started of beside.splice(0)) await started.stop();
});
beforeEach(() => clock.set(start));

let next = 0;
const createCustomer = async (fields: object = {}) => (await tillkey.call('POST', '/api/v1/customers', { body: { email: `holder-${(next += 1)}@example.com`, ...fields } })).body.data;
const ask = (id: string, body: object = {}, key?: string) => tillkey.call('POST', `/api/v1/customers/${id}/portal-link`, { body, ...(key !== undefined && { key }) });
const linkOf = async (id: string, body: object = {}): Promise<string> => (await ask(id, body)).body.data.url;

type Page = { status: number; text: string; headers: Headers };
const visit = async (url: string, options: RequestInit = {}): Promise<Page> => {
  const response = await fetch(url, { redirect: 'manual', ...options });
  return { status: response.status, text: await response.text(), headers: response.headers };
};
const press = (link: string, machine: { id: string }, headers: Record<string, string> = {}) => visit(`${link}/machines/${machine.id}/deactivate`, { method: 'POST', headers });

/** A customer with a license under the policy, a machine on it, and their link. */
async function holder({ policy = {}, license = {}, machine = {} }: { policy?: object; license?: object; machine?: object } = {}) {
  const customer = await createCustomer();
  const owned = await createLicense(tillkey, { policy, license: { userEmail: customer.email, ...license } });
  const { body } = await activate(tillkey, owned, 'fingerprint-1', machine);
  return { customer, license: owned, machine: body.data, link: await linkOf(customer.id) };
}
const isThere = async ({ id }: { id: string }) => (await tillkey.call('GET', `/api/v1/machines/${id}`)).status === 200;

describe('asking for a link', () => {
  test('answers with its address and its end, an hour from now or as asked', async () => {
    const { id } = await createCustomer();
    const { status, body } = await ask(id);
    expect([status, body.data]).toEqual([200, { url: expect.stringMatching(/^http:\/\/localhost:\d+\/portal\/[\w-]+$/), expiresAt: '2026-06-01T09:00:00.000Z', messageId: null }]);
    expect(body.data.url.startsWith(`${tillkey.url}/portal/`)).toBe(true);
    expect((await ask(id, { ttl: 604_800 })).body.data.expiresAt).toBe('2026-06-08T08:00:00.000Z');
  });

  test.each([[{ ttl: 299 }], [{ ttl: 604_801 }], [{ ttl: 300.5 }], [{ ttl: '3600' }], [{ days: 1 }]])('with %j is refused', async (body) => {
    expect(await ask((await createCustomer()).id, body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('for a customer who is absent, deleted or another scope’s is not found', async () => {
    const [ours, deleted] = [await createCustomer(), await createCustomer()];
    await tillkey.call('DELETE', `/api/v1/customers/${deleted.id}`);
    for (const reply of [await ask(newId()), await ask('no-uuid'), await ask(deleted.id), await ask(ours.id, {}, LIVE_KEY)]) {
      expect(reply).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });

  test('takes the permission to write customers', async () => {
    const { body } = await tillkey.call('POST', '/api/v1/api-keys', { body: { name: 'reader', scopes: ['customers:read', 'licenses:write'] } });
    expect(await ask((await createCustomer()).id, {}, body.data.key)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  test('names the public address where there is one, with its path', async () => {
    const proxied = await startBeside({ databaseUrl: tillkey.databaseUrl, environment: { PUBLIC_URL: 'https://licenses.example.com/acme/' } });
    const { customer, machine } = await holder({ policy: { floating: true } });
    const { url } = (await proxied.call('POST', `/api/v1/customers/${customer.id}/portal-link`)).body.data;
    expect(url).toMatch(/^https:\/\/licenses\.example\.com\/acme\/portal\/[\w-]+$/);
    const inside = `${proxied.url}${new URL(url).pathname.replace('/acme', '')}`;
    expect((await visit(inside)).text).toContain(`action="${new URL(url).pathname}/machines/${machine.id}/deactivate"`);
    expect((await press(inside, machine, { origin: 'https://licenses.example.com' })).headers.get('location')).toBe(`${new URL(url).pathname}?notice=deactivated`);
  });
});

describe('the page', () => {
  test('shows the licenses of its customer and their machines, and nobody else’s', async () => {
    const other = await holder({ license: { name: 'Somebody else’s' } });
    const entitlement = await createEntitlement(tillkey, 'export-pdf');
    const { customer, license, machine, link } = await holder({
      policy: { floating: true, maxMachines: 3 }, license: { name: 'Studio', expiresAt: '2027-01-31T12:00:00Z' }, machine: { name: 'Desk', platform: 'macos' },
    });
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/entitlements`, { body: { entitlementIds: [entitlement] } });
    await activate(tillkey, license, 'nameless-fingerprint');
    clock.set(new Date('2026-06-01T08:30:00.000Z'));
    await tillkey.call('POST', `/api/v1/machines/${machine.id}/heartbeat`);
    const { status, text, headers } = await visit(link);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const shown = [customer.email, license.key, 'Acme Pro', 'Studio', 'Active', 'Ends on', 'January 31, 2027', 'export-pdf', 'Machines: 2 of 3', 'Desk', 'macOS', 'nameless-fingerprint', 'activated', 'last seen', 'June 1, 2026', '09:00 UTC'];
    expect(shown.filter((part) => !text.includes(part))).toEqual([]);
    for (const hidden of [other.license.key, other.customer.email, 'Somebody else']) expect(text).not.toContain(hidden);
  });

  test('runs no script, loads nothing, is framed by nobody, kept nowhere, and leaks its address to nobody', async () => {
    const { link } = await holder();
    for (const { text, headers } of [await visit(link), await visit(`${link}x`), await visit(`${tillkey.url}/portal`)]) {
      const style = createHash('sha256').update(/<style>(.*)<\/style>/s.exec(text)![1]!).digest('base64');
      expect(headers.get('content-security-policy')).toBe(`default-src 'none'; style-src 'sha256-${style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`);
      expect(Object.fromEntries(['referrer-policy', 'cache-control', 'x-content-type-options', 'x-robots-tag'].map((name) => [name, headers.get(name)]))).toEqual({
        'referrer-policy': 'no-referrer', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-robots-tag': 'noindex',
      });
      expect(text).not.toMatch(/<script|<img|<link|style="|javascript:|\son\w+=/i);
    }
  });

  test('escapes every name', async () => {
    const hostile = `"><script>alert('&')</script>`;
    const product = (await tillkey.call('POST', '/api/v1/products', { body: { name: `P${hostile}`, code: 'HOSTILE' } })).body.data;
    const policy = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: product.id, name: 'x', floating: true } })).body.data;
    const entitlement = (await tillkey.call('POST', '/api/v1/entitlements', { body: { code: 'hostile', name: `E${hostile}` } })).body.data;
    const customer = await createCustomer({ name: `C${hostile}` });
    const license = await createLicense(tillkey, { policyId: policy.id, license: { userEmail: customer.email, name: `L${hostile}`, key: `K<i>${hostile}` } });
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/entitlements`, { body: { entitlementIds: [entitlement.id] } });
    await activate(tillkey, license, `F${hostile}`);
    await activate(tillkey, license, 'fingerprint-2', { name: `M${hostile}` });
    const { text } = await visit(`${await linkOf(customer.id)}?notice=${encodeURIComponent(`N${hostile}`)}`);
    const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;';
    for (const letter of ['P', 'E', 'C', 'L', 'F', 'M', 'K&lt;i&gt;']) expect(text).toContain(`${letter}${escaped}`);
    expect(text).not.toMatch(/<script|<i>|alert\('/);
    expect(text).not.toContain(`N${escaped}`);
    expect(messagePage({ title: hostile, message: hostile, back: hostile })).not.toContain('<script');
  });

  test.each([
    ['suspend', 'Suspended'],
    ['revoke', 'Revoked'],
    ['ban', 'Banned'],
  ])('says of a license after %s that it is %s', async (action, word) => {
    const { license, link } = await holder();
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/${action}`);
    expect((await visit(link)).text).toMatch(new RegExp(`<span class="status bad">${word}</span>`));
  });

  test('says of an expired license when it ended, and of a perpetual one that it never does', async () => {
    const { customer, link } = await holder({ license: { expiresAt: '2026-06-01T08:10:00Z' } });
    expect((await visit(link)).text).toContain('Ends on');
    clock.set(new Date('2026-06-01T08:10:00.000Z'));
    expect((await visit(link)).text).toMatch(/Expired<\/span>(.|\n)*Ended on/);
    await createLicense(tillkey, { license: { userEmail: customer.email } });
    expect((await visit(link)).text).toContain('Never');
  });

  test('shows the licenses of a banned customer as banned', async () => {
    const { customer, link } = await holder();
    await tillkey.call('POST', `/api/v1/customers/${customer.id}/ban`);
    const { status, text } = await visit(link);
    expect([status, text.includes('Banned</span>'), text.includes('Active</span>')]).toEqual([200, true, false]);
  });

  test('says when a subscription renews, and in grace that a payment is due and until when', async () => {
    await createCatalog(tillkey);
    const month = firstMonth();
    for (const sent of month.events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    const [license] = (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${month.subscription.id}`)).body.data;
    clock.set(new Date(new Date(license.expiresAt).getTime() - 86_400_000));
    const link = await linkOf(license.customerId, { ttl: 604_800 });
    expect((await visit(link)).text).toContain(`<dt>Renews on</dt><dd><time datetime="${license.expiresAt}">`);
    const graceEndsAt = new Date(clock.now().getTime() + 2 * 86_400_000);
    await tillkey.service.dependencies.database.em.fork().execute("update licenses set billing_state = 'GRACE', billing_renews = false, grace_ends_at = ? where id = ?", [graceEndsAt, license.id]);
    const { text } = await visit(link);
    expect([text.includes('Payment due</span>'), text.includes(graceEndsAt.toISOString()), text.includes('Renews on')]).toEqual([true, true, false]);
    clock.set(graceEndsAt);
    expect((await visit(link)).text).toContain('Suspended</span>');
  });

  test('lists 200 licenses and 50 machines of one, and says that there are more', async () => {
    const customer = await createCustomer();
    const { id: policyId } = await createPolicy(tillkey);
    for (let n = 0; n < 10; n += 1) await Promise.all(Array.from({ length: 20 }, () => createLicense(tillkey, { policyId, license: { userEmail: customer.email } })));
    const link = await linkOf(customer.id);
    const count = async () => (await visit(link)).text.match(/<article>/g)?.length;
    expect([await count(), (await visit(link)).text.includes('more licenses')]).toEqual([200, false]);
    const last = await createLicense(tillkey, { policyId, license: { userEmail: customer.email, name: 'The newest' } });
    for (let n = 0; n < 51; n += 1) await activate(tillkey, last, `fingerprint-${n}`);
    const { text } = await visit(link);
    expect([await count(), text.includes('the newest 200'), text.includes('The newest')]).toEqual([200, true, true]);
    expect([text.match(/<li>/g)?.length, text.includes('Machines: 51'), text.includes('the newest 50.')]).toEqual([50, true, true]);
  });

  test('of a customer without licenses says so', async () => {
    expect((await visit(await linkOf((await createCustomer()).id))).text).toContain('You have no licenses yet.');
  });
});

describe('a link', () => {
  const refused = ({ status, text, headers }: Page) => {
    expect([status, headers.get('content-type')]).toEqual([403, 'text/html; charset=utf-8']);
    expect(text).toContain('This link opens nothing');
    expect(text).not.toMatch(/ACME-|@example\.com|at \w+ \(|Error/);
  };

  test('holds to the millisecond of its end, for the page and for what it does', async () => {
    const { link, machine } = await holder({ policy: { floating: true } });
    clock.set(new Date('2026-06-01T08:59:59.999Z'));
    expect((await visit(link)).status).toBe(200);
    clock.set(new Date('2026-06-01T09:00:00.000Z'));
    refused(await visit(link));
    refused(await press(link, machine));
    expect(await isThere(machine)).toBe(true);
  });

  test('with any one bit changed opens nothing', async () => {
    const { link } = await holder();
    const token = Buffer.from(new URL(link).pathname.slice('/portal/'.length), 'base64url');
    for (let bit = 0; bit < token.length * 8; bit += 1) {
      const changed = Buffer.from(token);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect((await visit(`${tillkey.url}/portal/${changed.toString('base64url')}`)).status).toBe(403);
    }
  });

  test('written in another way opens nothing', async () => {
    const { link } = await holder();
    for (const other of [`${link}=`, `${link}A`, `${link}.`, link.slice(0, -1), `${link}%00`, `${link}%20`]) refused(await visit(other));
    for (const token of ['x', 'AAAA', 'a'.repeat(100), '%F0%9F%98%80', '..%2F..%2Fapi']) refused(await visit(`${tillkey.url}/portal/${token}`));
  });

  test('says nothing of whom it is for', async () => {
    const { customer, link } = await holder();
    const again = await linkOf(customer.id);
    expect(again).not.toBe(link);
    expect(Buffer.from(link.split('/').at(-1)!, 'base64url').toString('latin1')).not.toContain(customer.id);
  });

  test('of a deleted customer opens nothing', async () => {
    const customer = await createCustomer();
    const link = await linkOf(customer.id);
    expect((await visit(link)).status).toBe(200);
    await tillkey.call('DELETE', `/api/v1/customers/${customer.id}`);
    refused(await visit(link));
  });

  test('of an installation with another secret opens nothing', async () => {
    const stranger = await startBeside({ environment: { TILLKEY_SECRET: 'another secret, and long enough too' } });
    const { link } = await holder();
    refused(await visit(link.replace(tillkey.url, stranger.url)));
  });

  test('is tried only as often as the limit for others allows, and who tries more reads a page', async () => {
    const limited = await startBeside({ databaseUrl: tillkey.databaseUrl, environment: { RATE_LIMIT_OTHER: '2' } });
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await visit(`${limited.url}/portal/guess`));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 429]);
    expect([answers[2]!.headers.get('content-type'), Number(answers[2]!.headers.get('retry-after')) > 0]).toEqual(['text/html; charset=utf-8', true]);
  });
});

describe('deactivating', () => {
  test.each([[{ allowMachineTransfer: true }], [{ floating: true }]])('under %j frees the place, and the page says so', async (policy) => {
    const { license, machine, link } = await holder({ policy: { maxMachines: 1, ...policy } });
    const action = /<form method="post" action="([^"]+)">/.exec((await visit(link)).text)![1]!;
    const { status, text, headers } = await visit(new URL(action, link).href, { method: 'POST', body: new URLSearchParams(), headers: { 'sec-fetch-site': 'same-origin' } });
    expect([status, text]).toEqual([303, '']);
    const after = await visit(new URL(headers.get('location')!, link).href);
    expect([after.status, after.text.includes('The machine was deactivated.'), after.text.includes('fingerprint-1')]).toEqual([200, true, false]);
    expect(await isThere(machine)).toBe(false);
    expect((await activate(tillkey, license, 'fingerprint-2')).status).toBe(201);
    expect((await visit(link)).text).not.toContain('The machine was deactivated.');
    const told = (await tillkey.call('GET', '/api/v1/events?limit=100&type=machine.deactivated')).body.data;
    expect(told.filter(({ data }: any) => data.id === machine.id)).toHaveLength(1);
  });

  test('where the policy does not allow it has no button, and is refused', async () => {
    const { machine, link } = await holder();
    const page = await visit(link);
    expect([page.text.includes('fingerprint-1'), page.text.includes('<form'), page.text.includes('ask the vendor')]).toEqual([true, false, true]);
    const { status, text } = await press(link, machine);
    expect([status, text.includes('does not let customers'), text.includes(`href="${new URL(link).pathname}"`)]).toEqual([403, true, true]);
    expect(await isThere(machine)).toBe(true);
  });

  test('another customer’s machine, one of nobody or one that is gone is not found', async () => {
    const [own, other] = [await holder({ policy: { floating: true } }), await holder({ policy: { floating: true } })];
    const nobodys = await createLicense(tillkey, { policy: { floating: true } });
    const { body } = await activate(tillkey, nobodys, 'fingerprint-1');
    await press(own.link, own.machine);
    for (const machine of [other.machine, body.data, own.machine, { id: newId() }, { id: 'no-uuid' }, { id: '%00' }]) expect((await press(own.link, machine)).status).toBe(404);
    expect([await isThere(other.machine), await isThere(body.data)]).toEqual([true, true]);
  });

  test('with a link that opens nothing changes nothing', async () => {
    const { link, machine } = await holder({ policy: { floating: true } });
    expect((await press(`${link}A`, machine)).status).toBe(403);
    expect(await isThere(machine)).toBe(true);
  });

  test.each<[string, Record<string, string>]>([
    ['same-site', { 'sec-fetch-site': 'same-site' }],
    ['cross-site', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin at all', { origin: 'evil' }],
  ])('is refused to a form that comes from elsewhere: %s', async (_where, headers) => {
    const { link, machine } = await holder({ policy: { floating: true } });
    expect((await press(link, machine, headers)).status).toBe(403);
    expect(await isThere(machine)).toBe(true);
  });

  test('is done for a browser that sends its origin only, or hides it as our own page asks', async () => {
    for (const origin of [tillkey.url, 'null']) {
      const { link, machine } = await holder({ policy: { floating: true } });
      expect((await press(link, machine, { origin })).status).toBe(303);
    }
  });

  test('cannot be asked for with a GET', async () => {
    const { link, machine } = await holder({ policy: { floating: true } });
    expect((await visit(`${link}/machines/${machine.id}/deactivate`)).status).toBe(404);
    expect(await isThere(machine)).toBe(true);
  });
});

describe('errors', () => {
  test('are pages under /portal, whole whatever the path, and JSON under /api', async () => {
    for (const path of ['/portal', '/portal/', '/portal/a/b', '/portal/%E0%A4%A', '/portal/a/machines/%ff/deactivate']) {
      const { status, text, headers } = await visit(`${tillkey.url}${path}`);
      expect([path, status < 500, headers.get('content-type'), text.includes('</html>')]).toEqual([path, true, 'text/html; charset=utf-8', true]);
    }
    for (const path of ['/api/v1/portal', '/portals', '/api/v1/customers/x/portal-link']) {
      expect((await visit(`${tillkey.url}${path}`, { headers: { accept: 'text/html' } })).headers.get('content-type')).toContain('application/json');
    }
  });
});
