import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { query, reading } from '../../src/database/orm.ts';
import { createCatalog } from '../support/catalog.ts';
import { activate, createLicense, createPolicy, validate } from '../support/license.ts';
import { addressOf, spawnTillkey } from '../support/process.ts';
import { withRival } from '../support/rival.ts';
import { callAt, LIVE_KEY, startTestService, type TestService } from '../support/service.ts';
import { deliver, event } from '../support/webhook.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

/**
 * A year, rehearsed by PUTs of the test clock alone, against a timeline that was written beforehand. Whose a license is says its email. Real time
 * stands still meanwhile, so that what the timeline says to the minute can be held against what was told.
 */

const HOUR = 1 / 24;
const MINUTE = HOUR / 60;
const DAY_MS = 86_400_000;

/** What somebody does on a day of the story. */
const acts: [day: number, act: () => Promise<unknown>][] = [
  [0, () => sub({ status: 'active', paidUntil: 30, type: 'customer.subscription.created' })],
  [0, () => invoice({ n: 1, period: [0, 30], reason: 'subscription_create' })],
  [0, () => buyOnce()],
  [0, async () => Promise.all(Object.entries(handMade).map(make))],
  [0, () => activate(tillkey, licenses.floating!, 'fingerprint-one')],
  [HOUR, () => beat('fingerprint-one')],
  [30 + HOUR, () => invoice({ n: 2, period: [30, 60] })],
  [30 + HOUR, () => sub({ status: 'active', paidUntil: 60 })],
  [40, () => activate(tillkey, licenses.floating!, 'fingerprint-two')],
  [50, () => tillkey.call('POST', `/api/v1/licenses/${licenses.suspended!.id}/suspend`, { body: {} })],
  [60 + HOUR, () => invoice({ n: 3, period: [60, 90], status: 'open' })],
  [60 + HOUR, () => sub({ status: 'past_due', paidUntil: 90 })],
  [70, () => invoice({ n: 3, period: [60, 90] })],
  [70, () => sub({ status: 'active', paidUntil: 90 })],
  [80, () => sub({ status: 'active', paidUntil: 90, cancel_at_period_end: true })],
  [90, () => sub({ status: 'canceled', paidUntil: 90, ended_at: true, type: 'customer.subscription.deleted' })],
];

/** What the vendor issues by hand on the first day, by the policy's fields. */
const handMade: Record<string, object> = {
  trial: { isTrial: true, trialDurationDays: 14 },
  revoking: { durationDays: 100, expirationStrategy: 'REVOKE' },
  allowing: { durationDays: 100, expirationStrategy: 'ALLOW_ACCESS' },
  suspended: { durationDays: 100 },
  floating: { floating: true, maxMachines: 1, requireHeartbeat: true, heartbeatIntervalMinutes: 60, heartbeatCullStrategy: 'DEACTIVATE_DEAD' },
};

/** The moment after the last at which a machine lives. */
const JUST_AFTER = 1 / DAY_MS;

/** What is told, and when: of each license, in order. */
const events: Record<string, [day: number, type: string][]> = {
  sub: [
    // Whose it is says the invoice.
    [0, 'license.created'], [0, 'license.updated'], [30 + HOUR, 'license.renewed'], [60 + HOUR, 'license.grace_started'],
    [67 + HOUR, 'license.grace_ended'], [67 + HOUR, 'license.suspended'], [70, 'license.reinstated'], [70, 'license.renewed'], [80, 'license.updated'],
    [83, 'license.expiring_soon'], [89, 'license.expiring_soon'], [90, 'license.expired'],
    // Time told the end; that billing has ended too, Stripe.
    [90, 'license.updated'],
  ],
  once: [[0, 'license.created'], [335, 'license.expiring_soon'], [358, 'license.expiring_soon'], [364, 'license.expiring_soon'], [365, 'license.expired']],
  trial: [[0, 'license.created'], [7, 'license.expiring_soon'], [13, 'license.expiring_soon'], [14, 'license.expired']],
  revoking: [[0, 'license.created'], [70, 'license.expiring_soon'], [93, 'license.expiring_soon'], [99, 'license.expiring_soon'], [100, 'license.expired'], [100, 'license.revoked']],
  allowing: [[0, 'license.created'], [70, 'license.expiring_soon'], [93, 'license.expiring_soon'], [99, 'license.expiring_soon'], [100, 'license.expired']],
  suspended: [[0, 'license.created'], [50, 'license.suspended']],
  floating: [
    [0, 'license.created'], [0, 'machine.activated'], [0, 'license.limit_reached'], [HOUR, 'machine.heartbeat'], [3 * HOUR + JUST_AFTER, 'machine.dead'], [3 * HOUR + JUST_AFTER, 'machine.deactivated'],
    [40, 'machine.activated'], [40, 'license.limit_reached'], [40 + 2 * HOUR + JUST_AFTER, 'machine.dead'], [40 + 2 * HOUR + JUST_AFTER, 'machine.deactivated'],
  ],
};

/** The mails owed, and when. */
const mails: Record<string, [day: number, kind: string][]> = {
  sub: [
    [0, 'key_delivery'], [60 + HOUR, 'payment_failed'], [67 + HOUR, 'access_suspended'], [70, 'access_reinstated'], [80, 'cancellation_scheduled'],
    [83, 'expiring_soon'], [89, 'expiring_soon'], [90, 'expired'],
  ],
  once: [[0, 'key_delivery'], [335, 'expiring_soon'], [358, 'expiring_soon'], [364, 'expiring_soon'], [365, 'expired']],
  trial: [[7, 'expiring_soon'], [13, 'expiring_soon'], [14, 'expired']],
  revoking: [[70, 'expiring_soon'], [93, 'expiring_soon'], [99, 'expiring_soon'], [100, 'expired']],
  allowing: [[70, 'expiring_soon'], [93, 'expiring_soon'], [99, 'expiring_soon'], [100, 'expired']],
};

/** What an app hears that asks on a day, and from then on. */
const answers: [day: number, whose: string, code: string, question?: object][] = [
  [1, 'sub', 'VALID'], [1, 'once', 'VALID'], [1, 'trial', 'VALID'], [1, 'floating', 'FINGERPRINT_NOT_FOUND', { fingerprint: 'fingerprint-one' }],
  [14 - MINUTE, 'trial', 'VALID'], [14, 'trial', 'EXPIRED'],
  // The renewal is late; its slack lasts a day.
  [30.02, 'sub', 'VALID'], [40.02, 'floating', 'VALID', { fingerprint: 'fingerprint-two' }], [50.1, 'suspended', 'SUSPENDED'], [66, 'sub', 'VALID'], [68, 'sub', 'SUSPENDED'], [71, 'sub', 'VALID'],
  [90.1, 'sub', 'EXPIRED'], [99.9, 'revoking', 'VALID'], [100, 'revoking', 'REVOKED'], [100, 'allowing', 'EXPIRED_ALLOWED'], [364.9, 'once', 'VALID'], [366, 'once', 'EXPIRED'],
];

let tillkey: TestService;
let started: Date;
let today = 0;
const licenses: Record<string, any> = {};

const at = (day: number) => new Date(started.getTime() + Math.round(day * DAY_MS));
const unix = (day: number) => Math.floor(at(day).getTime() / 1000);
const clock = () => tillkey.call('GET', '/api/v1/test-clock');
const goTo = async (day: number) => {
  today = day;
  if (day === 0) return;
  const moved = await tillkey.call('PUT', '/api/v1/test-clock', { body: { now: at(day) } });
  expect([moved.status, moved.body]).toEqual([200, { data: { now: at(day).toISOString(), active: true } }]);
};
const licenseOf = async (email: string) => (await tillkey.call('GET', `/api/v1/licenses?userEmail=${email}@example.com`)).body.data[0];
const run = <Row>(statement: ReturnType<typeof sql<Row>>) => query(reading(tillkey.service.dependencies.database), statement);

async function tell(type: string, object: object): Promise<void> {
  const sent = event(type, object, { created: unix(today) });
  expect((await deliver(tillkey.url, sent)).status).toBe(200);
  await tillkey.settled();
}

function sub({ status, paidUntil, type = 'customer.subscription.updated', ended_at, ...change }: { status: string; paidUntil: number; type?: string; ended_at?: true; cancel_at_period_end?: true }) {
  const item = { id: 'si_1', quantity: 1, price: { id: 'price_month', product: 'prod_1' }, current_period_start: unix(paidUntil - 30), current_period_end: unix(paidUntil) };
  return tell(type, { id: 'sub_1', customer: 'cus_1', status, items: { data: [item] }, ...(ended_at && { ended_at: unix(today) }), ...change });
}

function invoice({ n, period: [start, end], status = 'paid', reason = 'subscription_cycle' }: { n: number; period: [number, number]; status?: string; reason?: string }) {
  const line = { id: `il_${n}`, period: { start: unix(start), end: unix(end) }, pricing: { price_details: { price: 'price_month', product: 'prod_1' } }, parent: { subscription_item_details: { subscription_item: 'si_1', subscription: 'sub_1' } } };
  return tell(status === 'paid' ? 'invoice.paid' : 'invoice.payment_failed', {
    id: `in_${n}`, customer: 'cus_1', customer_email: 'sub@example.com', status, created: unix(start), billing_reason: reason, parent: { subscription_details: { subscription: 'sub_1' } }, lines: { data: [line] },
  });
}

function buyOnce() {
  const line_items = { data: [{ id: 'li_1', quantity: 1, price: { id: 'price_once', product: 'prod_2' } }] };
  return tell('checkout.session.completed', { id: 'cs_1', mode: 'payment', payment_status: 'paid', created: unix(today), customer: null, customer_details: { email: 'once@example.com', name: 'Jo' }, line_items });
}

async function make([whose, policy]: [string, object]): Promise<void> {
  const requireFingerprint = whose === 'floating';
  licenses[whose] = await createLicense(tillkey, { policy: { requireFingerprint, ...policy }, license: { userEmail: `${whose}@example.com` } });
}

async function beat(fingerprint: string): Promise<void> {
  const [machine] = (await tillkey.call('GET', `/api/v1/machines?licenseId=${licenses.floating!.id}`)).body.data.filter((one: any) => one.fingerprint === fingerprint);
  expect((await tillkey.call('POST', `/api/v1/machines/${machine.id}/heartbeat`, { license: licenses.floating!.key })).status).toBe(200);
}

/** What was told of whose license, when. A validation tells too; what it tells is not time's doing. */
async function told(): Promise<Record<string, [number, string][]>> {
  const rows = await run(sql<{ whose: string; created_at: string; type: string }>`
    select split_part(c.email, '@', 1) as whose, e.created_at, e.type from events e join licenses l on l.id = e.license_id join customers c on c.id = l.customer_id
    where l.scope_id = ${ours()} and e.type not like 'validation.%' and e.type <> 'license.activated' order by e.license_id, e.sequence`);
  return timelines(rows.map(({ whose, created_at, type }) => [whose, created_at, type]));
}

async function owed(): Promise<Record<string, [number, string][]>> {
  const rows = await run(sql<{ recipient: string; created_at: string; kind: string }>`select recipient, created_at, kind from messages where scope_id = ${ours()} order by created_at, id`);
  return timelines(rows.map(({ recipient, created_at, kind }) => [recipient.split('@')[0]!, created_at, kind]));
}

function timelines(rows: [whose: string, at: string, what: string][]): Record<string, [number, string][]> {
  const found: Record<string, [number, string][]> = {};
  for (const [whose, moment, what] of rows) (found[whose] ??= []).push([(new Date(moment).getTime() - started.getTime()), what]);
  return found;
}

const inMs = (timeline: Record<string, [number, string][]>) => Object.fromEntries(Object.entries(timeline).map(([whose, happened]) => [whose, happened.map(([day, what]) => [Math.round(day * DAY_MS), what])]));
const ours = () => tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!.id;

beforeAll(async () => {
  tillkey = await startTestService({ environment: { RATE_LIMIT_ACTIVATE: '0' } });
  // Stripe counts in whole seconds.
  started = new Date(Math.floor(Date.now() / 1000) * 1000);
  tillkey.clock.set(started);
  await createCatalog(tillkey, { stripePriceId: 'price_month', mapping: { gracePeriodDays: 7 } });
  await createCatalog(tillkey, { stripePriceId: 'price_once', policy: { durationDays: 365 } });
});
afterAll(() => tillkey.stop());

describe('a year told by PUTs alone', () => {
  test('answers as the timeline says, moment by moment', async () => {
    const asked = answers.map(([day, whose, code, question]) => ({ day, act: async () => {
      const license = (licenses[whose] ??= await licenseOf(whose));
      expect([day, whose, (await validate(tillkey, license, question)).code]).toEqual([day, whose, code]);
    } }));
    const story = [...acts.map(([day, act]) => ({ day, act })), ...asked].toSorted((a, b) => a.day - b.day);
    for (const { day, act } of story) {
      if (day > today) await goTo(day);
      await act();
    }
    await goTo(400);
    await tillkey.settled();
  });

  test('tells what it should at its moment, and nothing else', async () => {
    expect(await told()).toEqual(inMs(events));
  });

  test('owes the mails it should at their moments, and no others', async () => {
    expect(await owed()).toEqual(inMs(mails));
    const sent = (await tillkey.mails()).map(({ to }) => to?.[0]?.address?.split('@')[0]).toSorted();
    expect(sent).toEqual(Object.entries(mails).flatMap(([whose, those]) => those.map(() => whose)).toSorted());
  });
});

describe('a rehearsal', () => {
  test('is one account’s alone: neither another account nor the live side moves, or is told anything', async () => {
    const { scopeId } = await insertAccount(tillkey);
    const other = await insertApiKey(tillkey, { scopeId });
    const keys = { other, live: LIVE_KEY };
    const theirs = await Promise.all(Object.values(keys).map(async (key) => {
      const caller = { call: (method, path, options) => tillkey.call(method, path, { key, ...options }) } satisfies Pick<TestService, 'call'>;
      return createLicense(caller, { policy: { requireFingerprint: false, durationDays: 10 }, license: { userEmail: 'jo@example.com' } });
    }));
    await goTo(500);
    for (const license of theirs) expect(await validate(tillkey, license)).toMatchObject({ code: 'VALID' });
    expect(await run(sql`select 1 from events e join licenses l on l.id = e.license_id where l.id = any(${theirs.map(({ id }) => id)}::uuid[]) and e.type like 'license.expir%'`)).toEqual([]);
    expect((await tillkey.call('GET', '/api/v1/test-clock', { key: other })).body.data).toEqual({ now: started.toISOString(), active: false });
    for (const method of ['GET', 'PUT', 'DELETE'] as const) expect(await tillkey.call(method, '/api/v1/test-clock', { key: LIVE_KEY, ...(method === 'PUT' && { body: { now: at(1) } }) })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', error: expect.stringContaining('test mode') } });

    expect((await tillkey.call('PUT', '/api/v1/test-clock', { key: other, body: { now: at(20) } })).status).toBe(200);
    expect([(await validate(tillkey, theirs[0])).code, (await validate(tillkey, theirs[1])).code, (await clock()).body.data.now]).toEqual(['EXPIRED', 'VALID', at(500).toISOString()]);
  });

  test('whose process is killed on the way stands at a moment, and is gone on with from there: everything is told once', async () => {
    const names = ['before', 'killed', 'after'];
    const [from, ...ends] = [510, 520, 530, 540];
    await goTo(from!);
    for (const [n, name] of names.entries()) {
      licenses[name] = await createLicense(tillkey, { policy: { requireFingerprint: false }, license: { userEmail: `${name}@example.com`, expiresAt: at(ends[n]!) } });
    }
    const dying = spawnTillkey(['web'], { TILLKEY_SECRET: 'a secret for tests, long enough to pass', DATABASE_URL: tillkey.databaseUrl, RATE_LIMIT_MANAGEMENT: '0' });
    await withRival(tillkey.databaseUrl, async (rival) => {
      const put = callAt(await addressOf(dying))('PUT', '/api/v1/test-clock', { body: { now: at(550) } });
      await rival.run('select 1 from licenses where id = $1 for update', [licenses['killed'].id]);
      await rival.untilStuck(put);
      await dying.end('SIGKILL');
      await expect(put).rejects.toThrow();
      await rival.run('commit');
    });
    const stands = Date.parse((await clock()).body.data.now);
    expect([stands >= at(510).getTime(), stands < at(530).getTime()]).toEqual([true, true]);
    const again = () => tillkey.call('PUT', '/api/v1/test-clock', { body: { now: at(550) } });
    expect(await again()).toMatchObject({ status: 409, body: { code: 'CONFLICT', error: expect.stringContaining('being moved') } });
    tillkey.clock.set(new Date(Date.now() + 10_000));
    expect((await again()).status).toBe(200);
    tillkey.clock.set(started);
    const happened = await told();
    for (const [n, name] of names.entries()) {
      const expired = happened[name]!.filter(([, type]) => type === 'license.expired');
      expect([name, expired]).toEqual([name, inMs({ expired: [[ends[n]!, 'license.expired']] })['expired']]);
    }
  }, 60_000);

  test('that is ended leaves what is so by real time, tells of the difference, and may be played again', async () => {
    await tillkey.call('DELETE', '/api/v1/test-clock');
    const policy = await createPolicy(tillkey, { requireFingerprint: false, requireHeartbeat: true, heartbeatCullStrategy: 'KEEP_DEAD' });
    const issue = (whose: string) => createLicense(tillkey, { policyId: policy.id, license: { userEmail: `${whose}@example.com`, expiresAt: at(40) } });
    const [expired] = [await issue('expired'), await issue('reminded')];
    await activate(tillkey, expired, 'fingerprint-three');
    for (const day of [35, 50]) {
      await goTo(day);
      expect((await validate(tillkey, expired)).code).toBe(day < 40 ? 'VALID' : 'EXPIRED');
      expect((await tillkey.call('DELETE', '/api/v1/test-clock')).status).toBe(204);
      expect((await clock()).body.data).toEqual({ now: started.toISOString(), active: false });
      expect((await validate(tillkey, expired)).code).toBe('VALID');
    }
    await goTo(41);
    const [soon, dead] = ['license.expiring_soon', 'machine.dead'];
    const whole = [soon, soon, soon, 'license.expired'];
    const happened = await told();
    expect(happened['reminded']?.map(([, type]) => type)).toEqual(['license.created', soon, soon, ...whole, 'license.reinstated', ...whole]);
    expect(happened['expired']?.map(([, type]) => type)).toEqual(['license.created', 'machine.activated', dead, soon, soon, dead, ...whole, 'license.reinstated', dead, ...whole]);
  });
});
