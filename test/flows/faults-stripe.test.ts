import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sweep } from '../../src/jobs/sweep.ts';
import { createStripeReader } from '../../src/stripe.ts';
import { type BehindLine, HURRY, startBehindLine } from '../support/behind-line.ts';
import { cameTo, oneEach } from '../support/came-to.ts';
import { createCatalog } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import type { Fault } from '../support/line.ts';
import { startTestService, testClock } from '../support/service.ts';
import { until } from '../support/until.ts';

/** Stripe's API in trouble: whatever it does, a purchase ends as one license and one mail, and no event loses an attempt to it. */

let shop: BehindLine;
let buyers: string[];
let logged: { fields: any; message: string }[];

beforeAll(async () => {
  shop = await startBehindLine();
  buyers = [];
});
afterAll(() => shop.stop());
beforeEach(() => {
  logged = [];
});

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (fields: object, message: string) => void logged.push({ fields, message }) };
const readerWith = (patience: object) => createStripeReader('sk_test_123', shop.line.url, log, { ...HURRY, ...patience });
const stored = async (id: string) => (await shop.tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;

/** Buys, and tells Tillkey all of it; the events that Tillkey has to fetch for. */
async function buy(): Promise<string[]> {
  const email = `buyer-${buyers.length}@example.com`;
  buyers.push(email);
  const { events } = shop.stripe.buySubscription({ email, priceId: shop.priceId });
  const answers = await shop.stripe.deliver(events, { url: `${shop.tillkey.url}/webhooks/stripe` });
  expect(answers.map(({ status }) => status)).toEqual(events.map(() => 200));
  return events.filter(({ type }) => /^(checkout|customer\.subscription|invoice\.paid)/.test(type)).map(({ id }) => id);
}

/** Every one of `ids` has been tried, in vain, and is due again at once. */
async function allTried(ids: string[]): Promise<any[]> {
  const { database } = shop.tillkey.service.dependencies;
  const tried = `select 1 from stripe_events where id = any(?) and last_error is not null and due_at <= ? and attempts = 0`;
  await until(async () => (await database.em.fork().execute<unknown[]>(tried, [`{${ids.join(',')}}`, shop.clock.now()])).length >= ids.length);
  return Promise.all(ids.map(stored));
}

const faults: [string, Fault, RegExp][] = [
  ['answers 429 with Retry-After', { status: 429, headers: { 'retry-after': '0.01' }, body: '{"error":{"type":"invalid_request_error","message":"Request rate limit exceeded."}}' }, /rate limit/],
  ['answers 500', { status: 500, body: '{"error":{"type":"api_error","message":"Sorry!"}}' }, /Sorry/],
  ['answers with a page of somebody else', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Back soon</html>' }, /Invalid JSON/],
  ['answers 503 with a page of somebody else', { status: 503, headers: { 'content-type': 'text/html' }, body: '<html>Back soon</html>' }, /Invalid JSON/],
  ['does not answer until the timeout', 'silence', /timeout/],
  ['refuses the key', { status: 401, body: '{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_****"}}' }, /refuses the secret key.*Invalid API Key/],
  ['forbids the key what it asks', { status: 403, body: '{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions."}}' }, /refuses the secret key.*permissions/],
];

describe('while Stripe', () => {
  test.each(faults)('%s, events wait, say why, and lose no attempt; then each purchase is one license and one mail', async (_title, fault, said) => {
    shop.line.fail(fault);
    const waiting = await allTried(await buy());
    for (const event of waiting) expect(event).toMatchObject({ outcome: null, reason: null, lastError: expect.stringMatching(said) });
    shop.line.fail(null);
    await shop.sweptAndSettled();
    expect(await cameTo(shop.tillkey)).toEqual(oneEach(buyers));
    for (const { id } of waiting) expect(await stored(id)).toMatchObject({ outcome: 'applied', attempts: 1, lastError: null });
  });

  test('is gone for an hour, events are tried twice a minute all the while, and at once when it is back', async () => {
    await shop.line.goAway();
    const waiting = await buy();
    for (let seconds = 0; seconds <= 3_600; seconds += 30) {
      await allTried(waiting);
      shop.clock.set(new Date(shop.clock.now().getTime() + 30_000));
      await sweep(shop.tillkey.service.dependencies);
    }
    await allTried(waiting);
    await shop.line.comeBack();
    await shop.sweptAndSettled();
    expect(await cameTo(shop.tillkey)).toEqual(oneEach(buyers));
    for (const id of waiting) expect(await stored(id)).toMatchObject({ outcome: 'applied', attempts: 1 });
  });

  test('knows nothing of the objects, what the events carry is applied', async () => {
    shop.line.fail({ status: 404, body: '{"error":{"type":"invalid_request_error","message":"No such object"}}' });
    await buy();
    await shop.sweptAndSettled();
    shop.line.fail(null);
    expect(await cameTo(shop.tillkey)).toEqual(oneEach(buyers));
  });

  test('refuses the key, nothing is given up, and a restart with the right key applies it all', async () => {
    const clock = testClock();
    const database = await createDatabase();
    const environment = { STRIPE_API_BASE: shop.stripe.url, STRIPE_TEST_SECRET_KEY: 'sk_test_not-of-this-account' };
    const wrong = await startTestService({ clock, databaseUrl: database.url, environment });
    await createCatalog(wrong, { stripePriceId: shop.priceId });
    const { events } = shop.stripe.buySubscription({ email: 'other@example.com', priceId: shop.priceId });
    await shop.stripe.deliver(events, { url: `${wrong.url}/webhooks/stripe` });
    const waits = async () => (await wrong.call('GET', '/api/v1/stripe-events')).body.data.filter(({ lastError }: any) => lastError !== null);
    await until(async () => (await waits()).length >= 3);
    expect((await waits())[0].lastError).toContain('Stripe refuses the secret key.');
    await wrong.stop();

    const right = await startTestService({ clock, databaseUrl: database.url, environment: { ...environment, STRIPE_TEST_SECRET_KEY: 'sk_test_123' } });
    await right.settled();
    expect(await cameTo(right)).toEqual(oneEach(['other@example.com']));
    await right.stop();
    await database.drop();
  });
});

describe('a reader', () => {
  test('says that its key is refused, with the mode and with what Stripe said, once however often it is', async () => {
    shop.line.fail({ status: 403, body: '{"error":{"type":"invalid_request_error","message":"No permissions"}}' });
    const reader = readerWith({});
    for (let n = 0; n < 5; n += 1) await expect(reader.customer('cus_1')).rejects.toMatchObject({ code: 'STRIPE_KEY_REFUSED' });
    shop.line.fail(null);
    expect(logged).toEqual([{ fields: { mode: 'test', error: 'No permissions' }, message: expect.stringContaining('refuses the secret key') }]);
  });

  const fails = [
    ['429', { status: 429, headers: { 'retry-after': '20' }, body: '{"error":{"type":"invalid_request_error","message":"Slow down"}}' }, {}],
    ['no answer', 'silence', { restMs: 20_000 }],
  ] as const;
  test.each(fails)('asks nothing more for a while after %s', async (_title, fault, patience) => {
    shop.line.fail(fault);
    const reader = readerWith(patience);
    const before = shop.line.asked.length;
    for (let n = 0; n < 5; n += 1) await expect(reader.customer('cus_1')).rejects.toMatchObject({ status: 503 });
    shop.line.fail(null);
    await expect(reader.customer('cus_1')).rejects.toMatchObject({ status: 503 });
    expect(shop.line.asked.length - before).toBe(1);
  });

  test('calls what Stripe will never take a failure, not an outage', async () => {
    shop.line.fail({ status: 400, body: '{"error":{"type":"invalid_request_error","message":"Bad id"}}' });
    await expect(readerWith({}).customer('cus_1')).rejects.toMatchObject({ status: 502 });
    shop.line.fail(null);
  });

  test('keeps to twenty requests in any second, further pages and retries among them', async () => {
    const reader = createStripeReader('sk_test_123', shop.line.url, log);
    const { priceId } = shop.stripe.createProductAndPrice({ productName: 'Pen', unitAmount: 100 });
    const { sessionId } = shop.stripe.buyOnce({ email: 'pen@example.com', priceId });
    const before = shop.line.asked.length;
    await Promise.all(Array.from({ length: 22 }, () => reader.checkoutSession(sessionId)));
    expect(shop.line.asked.length - before).toBe(44);
    expect(mostWithin(1_000, shop.line.asked.slice(before))).toBeLessThanOrEqual(20);
  });
});

/** The most that fall into any stretch of so many milliseconds; timers may be a millisecond early. */
function mostWithin(ms: number, times: number[]): number {
  return Math.max(...times.map((start) => times.filter((time) => time >= start && time < start + ms - 2).length));
}
