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

/** `sells`: what comes of the purchase in it, whose product is mapped before. `bills`: its invoice is of a mapped price. `product`: the id its product gets. `card`: paid by this. */
type Recipe = { event: string; sells?: string[]; bills?: true; product?: string; card?: string };

const recipes: Recipe[] = [
  { event: 'checkout.session.completed', sells: ['active ACTIVE', 'active ACTIVE'] },
  { event: 'checkout.session.completed', product: 'prod_disputed', card: 'tok_createDispute', sells: ['suspended SUSPENDED DISPUTED', 'suspended SUSPENDED DISPUTED'] },
  { event: 'checkout.session.completed', product: 'prod_inquired', card: 'tok_createDisputeInquiry', sells: ['active ACTIVE', 'active ACTIVE'] },
  { event: 'checkout.session.completed', product: 'prod_refunded', sells: ['active ACTIVE', 'active ACTIVE'] },
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

const stripeProductOf = ({ event, product }: Recipe) => product ?? `prod_${event.replaceAll('.', '_')}`;

/** Two recipes are named for what happens, not for the event that tells of it. */
const tellingEvent: Record<string, string> = { 'subscription.payment_succeeded': 'invoice.paid', 'subscription.payment_failed': 'invoice.payment_failed' };

const applied = [
  'checkout.session.completed', 'checkout.session.async_payment_succeeded', 'checkout.session.async_payment_failed', 'checkout.session.expired',
  'customer.subscription.created', 'customer.subscription.updated', 'customer.subscription.deleted', 'customer.subscription.paused', 'customer.subscription.trial_will_end',
  'customer.deleted', 'customer.updated', 'invoice.paid', 'invoice.payment_failed', 'invoice.payment_action_required', 'invoice.voided', 'invoice.marked_uncollectible',
];

/** Applied to what they paid for; of a payment that sold nothing here, ignored. */
const ofPayments = ['charge.refunded', 'refund.created', 'refund.updated', 'charge.dispute.created', 'charge.dispute.updated', 'charge.dispute.closed'];

/** How the sentence begins that says why an event ended as it did. */
function reasonOf(type: string): RegExp {
  if (applied.includes(type)) return /^applied: (The licenses of this purchase are up to date|Noted; no license)/;
  if (ofPayments.includes(type)) return /^(applied: The licenses of this purchase are up to date|ignored: Nothing that is known here was bought with payment)/;
  return type === 'test_helpers.test_clock.ready' ? /^applied: A test clock of Stripe came to/ : /^ignored: Events of type \S+ do not concern licenses/;
}

const runs = hasStripeCli() || process.env['CI'] !== undefined;
if (!runs) process.stderr.write('\nSKIPPED: the Stripe CLI (@stripe/cli) has no binary for this platform here. Under CI that is a failure.\n\n');

(runs ? describe : describe.skip)("by Stripe's CLI", () => {
  let stripe: FakeStripe;
  let tillkey: TestService;
  let sdk: Stripe;
  let home: string;
  /** The vendor's product that the invoices bill. */
  let serviceId: string;
  /** The vendor's product for each of Stripe's that a recipe sells. */
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
    serviceId = (await createCatalog(tillkey, { stripePriceId: priceId })).productId;
    for (const recipe of recipes) if (recipe.sells) productIds.set(stripeProductOf(recipe), await mapProduct(stripeProductOf(recipe)));
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

  async function mapProduct(stripeProductId: string): Promise<string> {
    return (await createCatalog(tillkey, { stripePriceId: stripeProductId, mapping: { stripePriceId: undefined, stripeProductId } })).productId;
  }

  async function run(recipe: Recipe, priceId: string): Promise<void> {
    const { event, sells, bills, card } = recipe;
    const named = ['--add', `product:id=${stripeProductOf(recipe)}`];
    const known = ['--add', `customer:email=${event}@example.com`];
    const billed = ['--remove', 'invoiceitem:amount', '--remove', 'invoiceitem:currency', '--add', `invoiceitem:price=${priceId}`];
    const paid = ['--override', `payment_method:card.token=${card}`];
    const args = [...(sells ? named : []), ...(bills ? billed : []), ...(card ? paid : []), ...(event.startsWith('checkout.') || !(sells ?? bills) ? [] : known)];
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

  /** The payment intent of the Checkout session that sold a product. */
  async function paymentFor(product: string): Promise<string> {
    for (const { id, payment_intent: intent } of (await sdk.checkout.sessions.list({ limit: 100 })).data) {
      const [item] = (await sdk.checkout.sessions.listLineItems(id)).data;
      if (item?.price?.product === product) return String(intent);
    }
    throw new Error(`nobody bought ${product}`);
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
      const { outcome, reason } = known.get(id) ?? {};
      expect({ type, ended: `${outcome}: ${reason}` }).toEqual({ type, ended: expect.stringMatching(reasonOf(type)) });
    }
  });

  test.each(recipes.filter(({ sells }) => sells).map((recipe) => [stripeProductOf(recipe), recipe.sells]))('what is bought as %s comes to the licenses %j', async (product, sells) => {
    expect(await licensesOf(productIds.get(String(product)) ?? '')).toEqual(sells);
  });

  test('of the invoices that stand alone, the one that is paid sells', async () => {
    expect(await licensesOf(serviceId)).toEqual(['active ACTIVE']);
  });

  test('a purchase that is refunded in full is revoked', async () => {
    await sdk.refunds.create({ payment_intent: await paymentFor('prod_refunded') });
    await quiet();
    expect(await licensesOf(productIds.get('prod_refunded') ?? '')).toEqual(['revoked REVOKED REFUNDED', 'revoked REVOKED REFUNDED']);
  });

  test('a subscription that was paused for want of a card is good again once it is resumed', async () => {
    const { data } = await sdk.subscriptions.list({ status: 'paused' });
    const product = stripeProductOf({ event: 'customer.subscription.paused' });
    const paused = data.filter(({ items }) => items.data[0]?.price.product === product);
    for (const { id } of paused) await sdk.subscriptions.resume(id);
    await quiet();
    const resumed = stripe.events.find(({ type }) => type === 'customer.subscription.resumed');
    expect((await outcomes()).get(resumed?.id ?? '')).toMatchObject({ outcome: 'applied' });
    expect(await licensesOf(productIds.get(product) ?? '')).toEqual(['active ACTIVE']);
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
