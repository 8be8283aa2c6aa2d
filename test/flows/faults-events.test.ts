import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applyStripeEventJob } from '../../src/jobs/apply-stripe-event.ts';
import { MOST_EVENT_ATTEMPTS } from '../../src/jobs/backoff.ts';
import { type BehindLine, startBehindLine } from '../support/behind-line.ts';
import { cameTo, oneEach } from '../support/came-to.ts';
import { createDatabase } from '../support/database.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { createCatalog } from '../support/catalog.ts';
import type { FakeEvent } from '../support/fake-stripe/state.ts';
import { startTestService, testClock, TEST_SECRET, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { deliver, event, firstMonth } from '../support/webhook.ts';

describe('an event that breaks whoever applies it', () => {
  let shop: BehindLine;
  beforeEach(async () => {
    shop = await startBehindLine();
  });
  afterEach(() => shop.stop());

  const stored = async (id: string) => (await shop.tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;

  test('blocks no other, ends failed after its attempts, is seen as such, and is applied by a replay once its cause is mended', async () => {
    const { tillkey } = shop;
    // More seats than a number of the database holds.
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_seats', mapping: { quantityMode: 'SEATS', seatsPerUnit: 1_000_000 } });
    const { subscription } = firstMonth({ n: 7, price: 'price_seats', email: 'big@example.com' });
    const [item] = subscription.items.data;
    const poisoned = event('customer.subscription.created', { ...subscription, items: { data: [{ ...item, quantity: 5_000 }] } });
    const told = event('customer.updated', { id: 'cus_7', email: 'big@example.com', name: 'Big' });
    for (const sent of [told, poisoned]) expect((await deliver(tillkey.url, sent)).status).toBe(200);
    const buyers = ['one@example.com', 'two@example.com'];
    const events = buyers.flatMap((email) => shop.stripe.buySubscription({ email, priceId: shop.priceId }).events);
    await shop.stripe.deliver(events, { url: `${tillkey.url}/webhooks/stripe` }, { shuffle: true });
    const applied = async () => (await cameTo(tillkey)).mails.length === buyers.length && (await cameTo(tillkey)).undone === 1;
    await until(applied);
    expect(await cameTo(tillkey)).toEqual({ ...oneEach(buyers), undone: 1 });

    const { dependencies } = tillkey.service;
    const lost = { ...dependencies, stripeOf: async () => null, queues: { enqueue: async () => undefined } };
    const ref = { scopeId: dependencies.scopes[1]!.id, id: poisoned.id };
    while ((await stored(poisoned.id)).outcome === null) await applyStripeEventJob(lost, ref);
    expect(await stored(poisoned.id)).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('out of range'), lastError: expect.stringContaining('out of range') });
    // The worker beside this loop may be at it at the same moment.
    expect((await stored(poisoned.id)).attempts).toBeGreaterThanOrEqual(MOST_EVENT_ATTEMPTS);
    expect((await tillkey.call('GET', '/api/v1/stripe-events?outcome=failed')).body.data).toHaveLength(1);

    await tillkey.call('PATCH', `/api/v1/stripe-mappings/${mappingId}`, { body: { seatsPerUnit: 1 } });
    await tillkey.call('POST', `/api/v1/stripe-events/${poisoned.id}/replay`);
    await tillkey.settled();
    expect(await stored(poisoned.id)).toMatchObject({ outcome: 'applied', attempts: 1, lastError: null });
    expect(await cameTo(tillkey)).toEqual(oneEach([...buyers, 'big@example.com']));
  });
});

describe('with no worker anywhere', () => {
  const START = new Date('2026-01-10T12:00:00Z');
  const clock = testClock(START);
  const days = (count: number) => clock.set(new Date(START.getTime() + count * 86_400_000));
  let stripe: FakeStripe;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let web: TestService | undefined;
  beforeEach(async () => {
    clock.set(START);
    stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
    database = await createDatabase();
  });
  afterEach(async () => {
    await web?.stop();
    await stripe.close();
    await database.drop();
  });

  /** A purchase and what is told of it go through a worker, which then is gone; asks a web process alone about the key. */
  async function workedUntil(tell: (subscriptionId: string) => FakeEvent[]): Promise<() => Promise<string>> {
    const worked = await startTestService({ clock, databaseUrl: database.url });
    const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
    await createCatalog(worked, { stripePriceId: priceId, mapping: { gracePeriodDays: 7 } });
    const { events, subscriptionId } = stripe.buySubscription({ email: 'jo@example.com', priceId });
    const target = { url: `${worked.url}/webhooks/stripe` };
    await stripe.deliver(events, target);
    await worked.settled();
    await stripe.deliver(tell(subscriptionId), target);
    await worked.settled();
    const [license] = (await worked.call('GET', '/api/v1/licenses')).body.data;
    await worked.stop();
    const alone = await startTestService({ clock, role: 'web', databaseUrl: database.url });
    web = alone;
    return async () => (await alone.call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: license.key } })).body.data.code;
  }

  test('grace runs out at validation, to the day', async () => {
    const ask = await workedUntil((id) => {
      days(31);
      return stripe.failRenewal(id);
    });
    expect(await ask()).toBe('VALID');
    days(37.9);
    expect(await ask()).toBe('VALID');
    days(38.1);
    expect(await ask()).toBe('SUSPENDED');
  });

  test('a renewal that nobody tells of has its slack, and then the license is expired', async () => {
    const ask = await workedUntil(() => []);
    days(31.5);
    expect(await ask()).toBe('VALID');
    days(32.5);
    expect(await ask()).toBe('EXPIRED');
  });

  test('a scheduled cancellation has no slack', async () => {
    const ask = await workedUntil((id) => stripe.scheduleCancel(id));
    days(30.9);
    expect(await ask()).toBe('VALID');
    days(31.1);
    expect(await ask()).toBe('EXPIRED');
  });
});
