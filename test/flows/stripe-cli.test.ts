import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { startTestService, type TestService, TEST_SECRET } from '../support/service.ts';
import { hasStripeCli, trigger } from '../support/stripe-cli.ts';

/** Stripe's own command line tool drives the stand-in, which posts to a whole Tillkey what Stripe would. */

/** `sells`: what comes of the purchase in it, whose product is mapped before. `bills`: its invoice is of a mapped price. `product`: what the product is called. */
type Recipe = { event: string; sells?: string[]; bills?: true; product?: string };

const recipes: Recipe[] = [
  { event: 'checkout.session.completed', sells: ['active ACTIVE', 'active ACTIVE'] },
  { event: 'checkout.session.async_payment_succeeded', sells: ['active ACTIVE', 'active ACTIVE'] },
  { event: 'checkout.session.async_payment_failed', sells: [] },
  { event: 'checkout.session.expired', sells: [] },
  { event: 'customer.subscription.created', sells: ['active ACTIVE'] },
  { event: 'customer.subscription.updated', sells: ['active ACTIVE'] },
  { event: 'customer.subscription.deleted', sells: ['expired ENDED CANCELED'] },
  { event: 'customer.subscription.paused', sells: ['suspended SUSPENDED PAUSED'] },
  { event: 'customer.subscription.trial_will_end', sells: ['active ACTIVE TRIAL'] },
  { event: 'subscription.payment_succeeded', sells: ['active ACTIVE'] },
  { event: 'subscription.payment_failed', sells: [] },
  { event: 'quote.accepted', sells: Array<string>(10).fill('active ACTIVE') },
  { event: 'invoice.paid', bills: true },
  { event: 'invoice.payment_failed', bills: true },
  { event: 'invoice.payment_action_required', bills: true },
  { event: 'invoice.voided', bills: true },
  { event: 'invoice.marked_uncollectible', bills: true },
  ...[
    'charge.captured', 'charge.dispute.closed', 'charge.dispute.created', 'charge.dispute.updated', 'charge.failed', 'charge.refund.updated', 'charge.refunded',
    'customer.created', 'customer.deleted', 'customer.updated', 'invoice.deleted', 'invoice.finalized', 'invoice.sent', 'invoice.updated', 'invoiceitem.deleted',
    'payment_intent.canceled', 'payment_intent.payment_failed', 'payment_intent.processing', 'payment_intent.requires_action', 'payment_intent.succeeded',
    'payment_method.attached', 'plan.created', 'price.updated', 'product.deleted', 'product.updated', 'quote.canceled', 'setup_intent.succeeded', 'test_helpers.test_clock.ready',
  ].map((event) => ({ event })),
];

/** Two recipes are named for what happens, not for the event that tells of it. */
const tellingEvent: Record<string, string> = { 'subscription.payment_succeeded': 'invoice.paid', 'subscription.payment_failed': 'invoice.payment_failed' };

const applied = [
  'checkout.session.completed', 'checkout.session.async_payment_succeeded', 'checkout.session.async_payment_failed', 'checkout.session.expired',
  'customer.subscription.created', 'customer.subscription.updated', 'customer.subscription.deleted', 'customer.subscription.paused', 'customer.subscription.trial_will_end',
  'customer.deleted', 'customer.updated',
];

/** An invoice that stands alone is ignored until it is sold by; one of a subscription is applied. */
const ofInvoices = ['invoice.paid', 'invoice.payment_failed', 'invoice.payment_action_required', 'invoice.voided', 'invoice.marked_uncollectible'];

function outcomesOf(type: string): string[] {
  if (ofInvoices.includes(type)) return ['applied', 'ignored'];
  return [applied.includes(type) ? 'applied' : 'ignored'];
}

const runs = hasStripeCli() || process.env['CI'] !== undefined;
if (!runs) process.stderr.write('\nSKIPPED: the Stripe CLI (@stripe/cli) has no binary for this platform here. Under CI that is a failure.\n\n');

(runs ? describe : describe.skip)("by Stripe's CLI", () => {
  let stripe: FakeStripe;
  let tillkey: TestService;
  let sdk: Stripe;
  let home: string;
  /** The vendor's product that each recipe sells. */
  const productIds = new Map<string, string>();

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'stripe-cli-'));
    stripe = await startFakeStripe({ webhookSecret: TEST_SECRET });
    // What is sold while Tillkey listens is told in moments: a clock that stands still could not tell which truth is last.
    const clock = { now: () => new Date(), set: () => undefined };
    tillkey = await startTestService({ clock, environment: { STRIPE_TEST_SECRET_KEY: 'sk_test_standin', STRIPE_API_BASE: stripe.url } });
    stripe.postTo(`${tillkey.url}/webhooks/stripe`);
    const { hostname, port } = new URL(stripe.url);
    sdk = new Stripe('sk_test_standin', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
    const { priceId } = stripe.createProductAndPrice({ productName: 'A service', unitAmount: 1500 });
    await createCatalog(tillkey, { stripePriceId: priceId });
    for (const { event, sells } of recipes) if (sells) productIds.set(event, await mapProduct(stripeProductOf(event)));
    const queue = recipes.values();
    const lane = async () => {
      for (const recipe of queue) await run(recipe, priceId);
    };
    await Promise.all(Array.from({ length: 4 }, lane));
    await quiet();
  }, 120_000);

  afterAll(async () => {
    await tillkey.stop();
    await stripe.close();
    await rm(home, { recursive: true, force: true });
  });

  const stripeProductOf = (event: string) => `prod_${event.replaceAll('.', '_')}`;

  async function mapProduct(stripeProductId: string): Promise<string> {
    return (await createCatalog(tillkey, { stripePriceId: stripeProductId, mapping: { stripePriceId: undefined, stripeProductId } })).productId;
  }

  async function run({ event, sells, bills, product = stripeProductOf(event) }: Recipe, priceId: string): Promise<void> {
    const named = ['--add', `product:id=${product}`];
    const known = ['--add', `customer:email=${event}@example.com`];
    const billed = ['--remove', 'invoiceitem:amount', '--remove', 'invoiceitem:currency', '--add', `invoiceitem:price=${priceId}`];
    const args = [...(sells ? named : []), ...(bills ? billed : []), ...(event.startsWith('checkout.') || !(sells ?? bills) ? [] : known)];
    await trigger(event, { apiBase: stripe.url, home, args });
  }

  /** Waits until all that was emitted has arrived and is done. */
  async function quiet(): Promise<void> {
    await stripe.delivered();
    await tillkey.settled();
  }

  /** What Tillkey made of each event, by its id. */
  async function outcomes(): Promise<Map<string, any>> {
    const all: any[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { data, pagination }: any = (await tillkey.call('GET', `/api/v1/stripe-events?limit=100${cursor && `&cursor=${cursor}`}`)).body;
      all.push(...data);
      cursor = pagination.nextCursor;
    }
    return new Map(all.map((event) => [event.id, event]));
  }

  async function licensesOf(productId: string): Promise<string[]> {
    const { data } = (await tillkey.call('GET', `/api/v1/licenses?productId=${productId}`)).body;
    return data.map(({ status, billing }: any) => [status, billing.state, billing.reason].filter((word) => word !== null).join(' '));
  }

  test('each recipe tells of the event it is named for', () => {
    const told = stripe.events.map(({ type }) => type);
    for (const { event } of recipes) expect(told).toContain(tellingEvent[event] ?? event);
  });

  test('every event is acknowledged, and ends with an outcome and a sentence why; none fails', async () => {
    expect(stripe.deliveries.map(({ status }) => status)).toEqual(stripe.deliveries.map(() => 200));
    const known = await outcomes();
    const listened = stripe.events.filter(({ id }) => stripe.deliveries.some(({ eventId }) => eventId === id));
    expect(listened.length).toBeGreaterThan(recipes.length);
    for (const { id, type } of listened) {
      expect(known.get(id)).toMatchObject({ type, reason: expect.stringMatching(/^[A-Z].+\.$/) });
      expect(outcomesOf(type).map((outcome) => `${type}: ${outcome}`)).toContain(`${type}: ${known.get(id).outcome}`);
    }
  });

  test.each(recipes.flatMap(({ event, sells }) => (sells ? [[event, sells] as const] : [])))('%s comes to the licenses %j', async (event, sells) => {
    expect(await licensesOf(productIds.get(event) ?? '')).toEqual(sells);
  });

  test('a subscription that was paused for want of a card is good again once it is resumed', async () => {
    const { data } = await sdk.subscriptions.list({ status: 'paused' });
    const paused = data.filter(({ items }) => items.data[0]?.price.product === stripeProductOf('customer.subscription.paused'));
    for (const { id } of paused) await sdk.subscriptions.resume(id);
    await quiet();
    const resumed = stripe.events.find(({ type }) => type === 'customer.subscription.resumed');
    expect((await outcomes()).get(resumed?.id ?? '')).toMatchObject({ outcome: 'applied' });
    expect(await licensesOf(productIds.get('customer.subscription.paused') ?? '')).toEqual(['active ACTIVE']);
  });

  test('what was bought before its product was mapped is issued by a replay', async () => {
    const from = stripe.events.length;
    await run({ event: 'customer.subscription.created', sells: [], product: 'prod_late' }, '');
    await quiet();
    const created = stripe.events.slice(from).find(({ type }) => type === 'customer.subscription.created');
    const { outcome, reason } = (await outcomes()).get(created?.id ?? '');
    expect([outcome, reason]).toEqual(['ignored', expect.stringMatching(/^No active mapping for price_/)]);
    const productId = await mapProduct('prod_late');
    expect(await licensesOf(productId)).toEqual([]);
    expect((await tillkey.call('POST', `/api/v1/stripe-events/${created?.id}/replay`)).status).toBe(200);
    await tillkey.settled();
    expect(await licensesOf(productId)).toEqual(['active ACTIVE']);
  });

  test('the CLI writes nowhere', async () => {
    expect(await readdir(home)).toEqual([]);
  });
});
