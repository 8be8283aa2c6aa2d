import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { readEvent } from '../../src/billing/core/read-stripe.ts';
import { deliver } from './fake-stripe/deliver.ts';
import { type FakeStripe, type FakeStripeOptions, startFakeStripe } from './fake-stripe/fake-stripe.ts';
import { signPayload } from './fake-stripe/sign-payload.ts';
import { type Shape, shapes } from './fake-stripe/shape.ts';
import type { FakeEvent } from './fake-stripe/state.ts';

/** Until acacia an invoice names its payment, and a subscription its period. */
const isOld = (shape: Shape) => shape === '2020-08-27' || shape === 'acacia';
const JANUARY_31 = new Date('2026-01-31T10:20:30Z');

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
});

async function start(options: FakeStripeOptions = {}): Promise<{ fake: FakeStripe; stripe: Stripe }> {
  const fake = await startFakeStripe({ now: () => JANUARY_31, seed: 7, ...options });
  opened.push(fake);
  return { fake, stripe: clientOf(fake, options.livemode ? 'sk_live_123' : 'sk_test_123') };
}

function clientOf({ url }: FakeStripe, key: string): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe(key, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
}

/** A subscriber to two units of a monthly price. */
function subscribe(fake: FakeStripe) {
  const { productId, priceId } = fake.createProductAndPrice({ productName: 'Editor', recurring: 'month', unitAmount: 900 });
  return { productId, priceId, ...fake.buySubscription({ email: 'ada@buyer.example', name: 'Ada', priceId, quantity: 2 }) };
}

describe.each(shapes)('objects in the %s shape', (shape) => {
  test('a subscription comes with its customer and its latest invoice expanded', async () => {
    const { fake, stripe } = await start({ shape });
    const { subscriptionId, customerId, invoiceId, priceId } = subscribe(fake);
    const plain = await stripe.subscriptions.retrieve(subscriptionId);
    expect(plain).toMatchObject({ object: 'subscription', status: 'active', customer: customerId, latest_invoice: invoiceId, livemode: false });
    const expanded = await stripe.subscriptions.retrieve(subscriptionId, { expand: ['customer', 'latest_invoice'] });
    expect(expanded.customer).toMatchObject({ id: customerId, object: 'customer', email: 'ada@buyer.example', name: 'Ada' });
    expect(expanded.latest_invoice).toMatchObject({ id: invoiceId, object: 'invoice', status: 'paid', total: 1800 });
    expect(expanded.items.data).toMatchObject([{ quantity: 2, price: { id: priceId } }]);
    const [told, silent] = isOld(shape) ? [expanded, expanded.items.data[0]] : [expanded.items.data[0], expanded];
    expect(told).toMatchObject({ current_period_start: seconds('2026-01-31T10:20:30Z'), current_period_end: seconds('2026-02-28T10:20:30Z') });
    expect(silent).not.toHaveProperty('current_period_end');
  });

  test('an invoice names its subscription, its price and its payment where its version does', async () => {
    const { fake, stripe } = await start({ shape });
    const { invoiceId, subscriptionId, priceId, productId } = subscribe(fake);
    const invoice = await stripe.invoices.retrieve(invoiceId, { expand: ['customer'] });
    expect(invoice.customer).toMatchObject({ object: 'customer' });
    const old = { subscription: subscriptionId, paid: true, charge: expect.stringMatching(/^ch_/), payment_intent: expect.stringMatching(/^pi_/) };
    const oldLine = { price: { id: priceId, product: productId }, subscription_item: expect.stringMatching(/^si_/), proration: false };
    const recent = { parent: { subscription_details: { subscription: subscriptionId } } };
    const recentLine = {
      pricing: { price_details: { price: priceId, product: productId } },
      parent: { subscription_item_details: { subscription_item: expect.stringMatching(/^si_/), proration: false } },
    };
    expect(invoice).toMatchObject(isOld(shape) ? old : recent);
    expect(invoice.lines.data).toMatchObject([isOld(shape) ? oldLine : recentLine]);
    for (const name of Object.keys(isOld(shape) ? recent : old)) expect(invoice).not.toHaveProperty(name);
    for (const name of Object.keys(isOld(shape) ? recentLine : { price: 0, subscription_item: 0 })) expect(invoice.lines.data[0]).not.toHaveProperty(name);
  });

  test('a checkout session comes with its subscription, customer and line items expanded', async () => {
    const { fake, stripe } = await start({ shape });
    const { sessionId, subscriptionId, customerId, priceId } = subscribe(fake);
    const session = await stripe.checkout.sessions.retrieve(sessionId, { expand: ['customer', 'subscription', 'line_items'] });
    expect(session).toMatchObject({ mode: 'subscription', payment_status: 'paid', subscription: { id: subscriptionId }, customer: { id: customerId } });
    expect(session.line_items?.data).toMatchObject([{ price: { id: priceId }, quantity: 2 }]);
    expect(await stripe.checkout.sessions.retrieve(sessionId)).not.toHaveProperty('line_items');
  });

  test('an invoice comes with its payments expanded from basil on, a charge with its refunds', async () => {
    const { fake, stripe } = await start({ shape });
    const { invoiceId } = subscribe(fake);
    const [chargeId] = fake.chargesOf(invoiceId);
    const { refundId } = fake.refund(chargeId!);
    expect(await stripe.invoices.retrieve(invoiceId)).not.toHaveProperty('payments');
    const { payments } = await stripe.invoices.retrieve(invoiceId, { expand: ['payments'] });
    if (isOld(shape)) expect(payments).toBeNull();
    else expect(payments?.data).toMatchObject([{ object: 'invoice_payment', status: 'paid', payment: { payment_intent: expect.stringMatching(/^pi_/) } }]);
    const [told] = fake.events.filter(({ type }) => type === 'charge.refunded');
    expect('refunds' in told!.data.object).toBe(shape === '2020-08-27');
    expect(refundId).toMatch(/^re_/);
  });

  test('a customer and an event are as they were told', async () => {
    const { fake, stripe } = await start({ shape });
    const { customerId, events } = subscribe(fake);
    expect(await stripe.customers.retrieve(customerId)).toMatchObject({ object: 'customer', email: 'ada@buyer.example' });
    const [event] = events;
    expect(JSON.parse(JSON.stringify(await stripe.events.retrieve(event!.id)))).toEqual(event);
  });
});

describe('lists', () => {
  test('line items are paged: ten unless asked, then on from a cursor', async () => {
    const { fake, stripe } = await start();
    const { priceId } = fake.createProductAndPrice({ productName: 'Font', unitAmount: 500 });
    const { sessionId } = fake.buyOnce({ email: 'ada@buyer.example', items: Array.from({ length: 25 }, (_, n) => ({ priceId, quantity: n + 1 })) });
    const first = await stripe.checkout.sessions.listLineItems(sessionId);
    expect([first.data.length, first.has_more]).toEqual([10, true]);
    const rest = await stripe.checkout.sessions.listLineItems(sessionId, { limit: 20, starting_after: first.data[9]!.id });
    expect([rest.data.length, rest.has_more]).toEqual([15, false]);
    const all = await stripe.checkout.sessions.listLineItems(sessionId, { limit: 7 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ quantity }) => quantity)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
  });

  test('an invoice embeds ten lines and pages the rest', async () => {
    const { fake, stripe } = await start();
    const { priceId } = fake.createProductAndPrice({ productName: 'Font', recurring: 'year', unitAmount: 500 });
    const { invoiceId } = fake.buySubscription({ email: 'ada@buyer.example', items: Array.from({ length: 12 }, () => ({ priceId })) });
    const { lines } = await stripe.invoices.retrieve(invoiceId);
    expect([lines.data.length, lines.has_more]).toEqual([10, true]);
    expect(await stripe.invoices.listLineItems(invoiceId, { limit: 5 }).autoPagingToArray({ limit: 100 })).toHaveLength(12);
  });

  test('events are listed newest first, by type, and on from a cursor either way', async () => {
    const { fake, stripe } = await start();
    subscribe(fake);
    const newestFirst = fake.events.map(({ id }) => id).reverse();
    const all = await stripe.events.list({ limit: 3 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ id }) => id)).toEqual(newestFirst);
    const newer = await stripe.events.list({ limit: 3, ending_before: newestFirst[5]! });
    expect([newer.data.map(({ id }) => id), newer.has_more]).toEqual([newestFirst.slice(2, 5), true]);
    const caughtUp = await stripe.events.list({ limit: 4, ending_before: newestFirst.at(-1)! }).autoPagingToArray({ limit: 100 });
    expect(caughtUp.map(({ id }) => id)).toEqual(newestFirst.slice(0, -1).reverse());
    const chosen = await stripe.events.list({ types: ['customer.subscription.created', 'invoice.paid'], ending_before: newestFirst.at(-1)! });
    expect(chosen.data.map(({ type }) => type)).toEqual(['invoice.paid', 'customer.subscription.created']);
    expect((await stripe.events.list({ type: 'checkout.session.*' })).data).toHaveLength(1);
  });

  test('an event is gone after thirty days', async () => {
    let now = JANUARY_31;
    const { fake, stripe } = await start({ now: () => now });
    const { events } = subscribe(fake);
    now = new Date(JANUARY_31.getTime() + 30 * 86_400_000 + 1000);
    expect((await stripe.events.list()).data).toEqual([]);
    await expect(stripe.events.list({ starting_after: events[0]!.id })).rejects.toMatchObject({ statusCode: 400, param: 'starting_after' });
  });
});

describe('refusals reach the SDK as its own errors', () => {
  test('an unknown id is resource_missing, with its parameter and a request id', async () => {
    const { stripe } = await start();
    const missing = [
      [stripe.subscriptions.retrieve('sub_none'), 'id'],
      [stripe.invoices.retrieve('in_none'), 'invoice'],
      [stripe.checkout.sessions.retrieve('cs_test_none'), 'session'],
      [stripe.customers.retrieve('cus_none'), 'id'],
      [stripe.events.retrieve('evt_none'), 'id'],
      [stripe.checkout.sessions.listLineItems('cs_test_none'), 'session'],
    ] as const;
    for (const [request, param] of missing) {
      const error = await request.then(() => null, (cause: unknown) => cause);
      expect(error).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
      expect(error).toMatchObject({ statusCode: 404, code: 'resource_missing', param, requestId: expect.stringMatching(/^req_/) });
    }
  });

  test.each([
    ['a key of another kind', false, 'pk_test_123'],
    ['a live key in test mode', false, 'sk_live_123'],
    ['a test key in live mode', true, 'rk_test_123'],
  ])('%s is an authentication error', async (_title, livemode, key) => {
    const { fake } = await start({ livemode });
    const request = clientOf(fake, key).customers.retrieve('cus_1');
    await expect(request).rejects.toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect((await fetch(`${fake.url}/v1/customers/cus_1`)).status).toBe(401);
  });

  test('what cannot be expanded, paged or routed is refused', async () => {
    const { fake, stripe } = await start();
    const { subscriptionId } = subscribe(fake);
    await expect(stripe.subscriptions.retrieve(subscriptionId, { expand: ['status'] })).rejects.toMatchObject({ statusCode: 400, param: 'expand' });
    await expect(stripe.events.list({ limit: 101 })).rejects.toMatchObject({ statusCode: 400, param: 'limit' });
    await expect(stripe.payouts.list()).rejects.toMatchObject({ statusCode: 404, rawType: 'invalid_request_error' });
  });

  test('a request that hangs is never answered, and Stripe can go away and come back', async () => {
    const { fake, stripe } = await start();
    const { customerId } = subscribe(fake);
    fake.failNext(1, 'hang');
    await expect(stripe.customers.retrieve(customerId, {}, { timeout: 50 })).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError);
    fake.goAway();
    await expect(stripe.customers.retrieve(customerId)).rejects.toBeInstanceOf(Stripe.errors.StripeConnectionError);
    fake.comeBack();
    expect(await stripe.customers.retrieve(customerId)).toMatchObject({ id: customerId });
  });

  test('the next requests fail as told, then all is well; each is counted', async () => {
    const { fake, stripe } = await start();
    const { customerId } = subscribe(fake);
    fake.failNext(1, 429);
    fake.failNext(1, 500);
    await expect(stripe.customers.retrieve(customerId)).rejects.toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    await expect(stripe.customers.retrieve(customerId)).rejects.toBeInstanceOf(Stripe.errors.StripeAPIError);
    expect(await stripe.customers.retrieve(customerId)).toMatchObject({ id: customerId });
    expect(fake.requests).toBe(3);
  });
});

describe('deliveries', () => {
  type Posted = { body: string; signature: string };

  /** An endpoint that keeps what it is sent, and answers when `together` posts are under way and no more come. */
  async function startEndpoint({ status = 200, together = 1 } = {}) {
    const posted: Posted[] = [];
    const waiting: ServerResponse[] = [];
    const most = { waiting: 0 };
    const answerAll = () => {
      most.waiting = Math.max(most.waiting, waiting.length);
      for (const held of waiting.splice(0)) held.writeHead(status).end('noted');
    };
    const receive = async (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === 'GET') return response.end();
      const body = await text(request);
      posted.push({ body, signature: String(request.headers['stripe-signature']) });
      if (waiting.push(response) !== together) return;
      // What was posted before this round trip has arrived after it.
      if (together > 1) await fetch(url);
      answerAll();
    };
    const server = createServer((request, response) => void receive(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = `http://127.0.0.1:${address.port}/`;
    opened.push({
      close: async () => {
        server.close();
        server.closeAllConnections();
      },
    });
    return { url, posted, most, idsOf: (from: number) => posted.slice(from).map(({ body }): string => JSON.parse(body).id) };
  }

  test('every post carries a signature that the SDK verifies, with the secret of its target alone', async () => {
    const { fake } = await start({ webhookSecret: 'whsec_own' });
    const endpoint = await startEndpoint();
    const { events } = subscribe(fake);
    await fake.deliver(events, { url: endpoint.url });
    await fake.deliver(events.slice(0, 1), { url: endpoint.url, secret: 'whsec_other' });
    const read = ({ body, signature }: Posted, secret: string) => Stripe.webhooks.constructEvent(body, signature, secret);
    expect(endpoint.posted.slice(0, -1).map((post) => read(post, 'whsec_own').id)).toEqual(events.map(({ id }) => id));
    expect(read(endpoint.posted.at(-1)!, 'whsec_other').id).toBe(events[0]!.id);
    expect(() => read(endpoint.posted.at(-1)!, 'whsec_own')).toThrow(Stripe.errors.StripeSignatureVerificationError);
    const stale = signPayload('{}', 'whsec_own', new Date(Date.now() - 301_000));
    expect(() => Stripe.webhooks.constructEvent('{}', stale, 'whsec_own')).toThrow(/tolerance/);
  });

  test('the seed decides the order of a shuffle, and duplicates are all posted', async () => {
    const { fake } = await start();
    const endpoint = await startEndpoint();
    const { events } = subscribe(fake);
    const target = { url: endpoint.url, secret: 'whsec' };
    const orderOf = async (seed: number) => {
      const from = endpoint.posted.length;
      await deliver(events, target, { shuffle: true, seed, duplicate: 2 });
      return endpoint.idsOf(from);
    };
    const order = await orderOf(1);
    expect(await orderOf(1)).toEqual(order);
    expect(await orderOf(2)).not.toEqual(order);
    expect([...order].sort()).toEqual(events.flatMap(({ id }) => [id, id]).sort());
  });

  test('events can come backwards, late or not at all', async () => {
    const { fake } = await start();
    const endpoint = await startEndpoint();
    const { events } = subscribe(fake);
    const ids = events.map(({ id }) => id);
    await fake.deliver(events, { url: endpoint.url }, { reverse: true });
    expect(endpoint.idsOf(0)).toEqual(ids.toReversed());
    const [first, second] = ids;
    await fake.deliver(events, { url: endpoint.url }, { drop: ({ id }) => id === first, delay: ({ id }) => id === second });
    expect(endpoint.idsOf(ids.length)).toEqual([...ids.slice(2), second]);
  });

  test('the answers are told in the order of the posts, as many at once as are asked for', async () => {
    const { fake } = await start();
    const endpoint = await startEndpoint({ status: 503, together: 3 });
    const events = subscribe(fake).events.slice(0, 12);
    const answers = await fake.deliver(events, { url: endpoint.url }, { concurrency: 3 });
    expect(answers).toEqual(events.map(({ id }) => ({ eventId: id, status: 503, body: 'noted' })));
    expect(endpoint.most.waiting).toBe(3);
  });
});

describe('stories', () => {
  type Told = { [story: string]: FakeEvent[] };

  /** Every story there is, told by one stand-in whose clock stands at the time of each step. */
  async function tellAll(shape: Shape): Promise<Told> {
    let now = JANUARY_31;
    const { fake } = await start({ shape, now: () => now });
    const on = (date: string) => (now = new Date(date));
    const { priceId } = fake.createProductAndPrice({ productName: 'Editor', recurring: 'month', unitAmount: 900 });
    const { priceId: yearly } = fake.createProductAndPrice({ productName: 'Suite', recurring: 'year', unitAmount: 9900 });
    const { priceId: once } = fake.createProductAndPrice({ productName: 'Font', unitAmount: 500 });
    const { priceId: free } = fake.createProductAndPrice({ productName: 'Sample', unitAmount: 0 });
    const email = 'ada@buyer.example';
    const paying = fake.buySubscription({ email, name: 'Ada', priceId, quantity: 3 });
    const guest = fake.buySubscription({ email, guest: true, items: [{ priceId: yearly }, { priceId: yearly, quantity: 2 }] });
    const trying = fake.buySubscription({ email, priceId, trialDays: 14 });
    const hasty = fake.buySubscription({ email, priceId, trialDays: 30 });
    const slow = fake.buyOnce({ email: 'bo@buyer.example', items: [{ priceId: once }, { priceId, quantity: 2 }], guest: true, paid: false });
    const refused = fake.buyOnce({ email, priceId: once, paid: false });
    const told: Told = {
      buySubscription: paying.events,
      'buySubscription, several items': guest.events,
      'buySubscription, trial': trying.events,
      buyOnce: fake.buyOnce({ email, name: 'Ada', priceId: once, quantity: 4 }).events,
      'buyOnce, free': fake.buyOnce({ email, priceId: free, guest: true }).events,
      'buyOnce, slow': slow.events,
    };
    on('2026-02-03T00:00:00Z');
    told['settleAsyncPayment, paid'] = fake.settleAsyncPayment(slow.sessionId, true);
    told['settleAsyncPayment, failed'] = fake.settleAsyncPayment(refused.sessionId, false);
    told['endTrial, early'] = fake.endTrial(hasty.subscriptionId);
    on('2026-02-14T10:20:30Z');
    told['endTrial'] = fake.endTrial(trying.subscriptionId);
    on('2026-02-28T10:20:30Z');
    told['renew'] = fake.renew(paying.subscriptionId);
    on('2026-03-31T10:20:30Z');
    told['failRenewal'] = fake.failRenewal(paying.subscriptionId);
    on('2026-04-03T10:20:30Z');
    told['retryPayment, failing'] = fake.retryPayment(paying.subscriptionId, false);
    on('2026-04-06T10:20:30Z');
    told['retryPayment, paid'] = fake.retryPayment(paying.subscriptionId, true);
    told['scheduleCancel'] = fake.scheduleCancel(paying.subscriptionId);
    on('2026-04-30T10:20:30Z');
    told['cancelNow, as scheduled'] = fake.cancelNow(paying.subscriptionId);
    told['cancelNow'] = fake.cancelNow(guest.subscriptionId);
    return told;
  }

  const taken = (event: FakeEvent) => readEvent(JSON.stringify(event), event.livemode ? 'live' : 'test');

  /** How an invoice and what paid it are linked is told in other ways in every shape. */
  const unlinked = (read: unknown): unknown => JSON.parse(JSON.stringify(read, (name, value: unknown) => (name === 'paymentIds' || name === 'invoiceId' || name === 'refunds' ? undefined : value)));

  test('what Tillkey takes of every story reads the same in every shape', async () => {
    const [oldest, ...others] = await Promise.all(shapes.map(tellAll));
    const readAll = (told: Told) => Object.entries(told).map(([story, events]) => [story, events.filter(({ type }) => type !== 'invoice_payment.paid').map(taken)] as const);
    const reads = readAll(oldest!);
    for (const other of others) {
      expect(unlinked(readAll(other))).toEqual(unlinked(reads));
      expect(other).not.toEqual(oldest);
    }
    for (const [, read] of reads) {
      expect(read.some(({ ok }) => ok)).toBe(true);
      for (const one of read) if (!one.ok) expect(one.finding.code).toBe('type_not_taken');
    }
  });

  test('every update says what the object was before, so that it reads as another fact', async () => {
    for (const shape of shapes) {
      const updates = Object.values(await tellAll(shape)).flat().filter(({ type }) => type === 'customer.subscription.updated');
      for (const update of updates) {
        const read = taken(update);
        expect(read).toMatchObject({ ok: true, sighting: { previous: { kind: 'subscription' } } });
        if (read.ok) expect(read.sighting.previous).not.toEqual(read.sighting.fact);
      }
    }
  });

  test.each([
    ['buySubscription', ['customer.created', 'invoice.created', 'customer.subscription.created', 'payment_intent.created', 'invoice.finalized', 'charge.succeeded', 'payment_intent.succeeded', 'invoice_payment.paid', 'invoice.updated', 'invoice.paid', 'invoice.payment_succeeded', 'customer.subscription.updated', 'checkout.session.completed']],
    ['buySubscription, trial', ['invoice.created', 'customer.subscription.created', 'invoice.finalized', 'invoice.updated', 'invoice.paid', 'invoice.payment_succeeded', 'checkout.session.completed']],
    ['buyOnce', ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'checkout.session.completed']],
    ['buyOnce, free', ['checkout.session.completed']],
    ['buyOnce, slow', ['payment_intent.created', 'payment_intent.processing', 'checkout.session.completed']],
    ['settleAsyncPayment, paid', ['charge.succeeded', 'payment_intent.succeeded', 'checkout.session.async_payment_succeeded']],
    ['settleAsyncPayment, failed', ['charge.failed', 'payment_intent.payment_failed', 'checkout.session.async_payment_failed']],
    ['renew', ['invoice.created', 'customer.subscription.updated', 'payment_intent.created', 'invoice.finalized', 'charge.succeeded', 'payment_intent.succeeded', 'invoice_payment.paid', 'invoice.updated', 'invoice.paid', 'invoice.payment_succeeded']],
    ['failRenewal', ['invoice.created', 'customer.subscription.updated', 'payment_intent.created', 'invoice.finalized', 'charge.failed', 'payment_intent.payment_failed', 'invoice.updated', 'invoice.payment_failed', 'customer.subscription.updated']],
    ['retryPayment, failing', ['charge.failed', 'payment_intent.payment_failed', 'invoice.updated', 'invoice.payment_failed']],
    ['retryPayment, paid', ['charge.succeeded', 'payment_intent.succeeded', 'invoice_payment.paid', 'invoice.updated', 'invoice.paid', 'invoice.payment_succeeded', 'customer.subscription.updated']],
    ['scheduleCancel', ['customer.subscription.updated']],
    ['cancelNow', ['customer.subscription.deleted']],
  ])('%s tells what Stripe tells, in one second', async (story, types) => {
    const events = (await tellAll('basil'))[story]!;
    expect(events.map(({ type }) => type)).toEqual(types);
    expect(new Set(events.map(({ created }) => created)).size).toBe(1);
  });

  test('each step says what it changes', async () => {
    const told = await tellAll('acacia');
    const last = (story: string, type: string) => told[story]!.findLast((event) => event.type === type)?.data;
    const subscription = 'customer.subscription.updated';
    expect(last('buySubscription', 'customer.subscription.created')?.object).toMatchObject({ status: 'incomplete' });
    expect(last('buySubscription', subscription)?.previous_attributes).toEqual({ status: 'incomplete' });
    expect(last('buySubscription, trial', 'customer.subscription.created')?.object).toMatchObject({ status: 'trialing', trial_end: seconds('2026-02-14T10:20:30Z') });
    expect(last('buySubscription, trial', 'invoice.paid')?.object).toMatchObject({ billing_reason: 'subscription_create', total: 0, payment_intent: null });
    expect(last('buyOnce, slow', 'checkout.session.completed')?.object).toMatchObject({ mode: 'payment', payment_status: 'unpaid', customer: null, customer_details: { email: 'bo@buyer.example' } });
    expect(last('buyOnce, free', 'checkout.session.completed')?.object).toMatchObject({ payment_status: 'no_payment_required' });
    expect(last('endTrial, early', subscription)?.object).toMatchObject({ status: 'active', trial_end: seconds('2026-02-03T00:00:00Z'), current_period_end: seconds('2026-03-03T00:00:00Z') });
    expect(last('endTrial, early', 'invoice.paid')?.object).toMatchObject({ billing_reason: 'subscription_update', total: 900 });
    expect(last('endTrial', subscription)?.object).toMatchObject({ status: 'active', current_period_end: seconds('2026-03-14T10:20:30Z') });
    expect(last('renew', subscription)).toMatchObject({
      object: { current_period_end: seconds('2026-03-31T10:20:30Z') },
      previous_attributes: { current_period_end: seconds('2026-02-28T10:20:30Z'), latest_invoice: expect.stringMatching(/^in_/) },
    });
    expect(last('renew', 'invoice.paid')?.object).toMatchObject({
      billing_reason: 'subscription_cycle',
      period_end: seconds('2026-02-28T10:20:30Z'),
      lines: { data: [{ period: { start: seconds('2026-02-28T10:20:30Z'), end: seconds('2026-03-31T10:20:30Z') } }] },
    });
    expect(last('failRenewal', subscription)?.previous_attributes).toEqual({ status: 'active' });
    expect(last('failRenewal', 'invoice.payment_failed')?.object).toMatchObject({ status: 'open', attempt_count: 1, paid: false });
    expect(last('retryPayment, paid', subscription)?.previous_attributes).toEqual({ status: 'past_due' });
    expect(last('scheduleCancel', subscription)?.object).toMatchObject({ cancel_at_period_end: true, cancel_at: seconds('2026-04-30T10:20:30Z'), status: 'active' });
    const ended = { status: 'canceled', ended_at: seconds('2026-04-30T10:20:30Z') };
    expect(last('cancelNow, as scheduled', 'customer.subscription.deleted')?.object).toMatchObject({ ...ended, canceled_at: seconds('2026-04-06T10:20:30Z') });
    expect(last('cancelNow', 'customer.subscription.deleted')?.object).toMatchObject({ ...ended, canceled_at: seconds('2026-04-30T10:20:30Z') });
  });

  test('basil tells the period before a renewal on the items, each told whole', async () => {
    const renewed = (await tellAll('basil'))['renew']!.find(({ type }) => type === 'customer.subscription.updated');
    expect(Object.keys(renewed?.data.previous_attributes ?? {}).sort()).toEqual(['items', 'latest_invoice']);
    expect(renewed?.data.previous_attributes).toMatchObject({ items: { data: [{ object: 'subscription_item', quantity: 3, current_period_end: seconds('2026-02-28T10:20:30Z') }] } });
  });

  test('one customer a known address, another for a guest, none for a guest who pays once', async () => {
    const { fake } = await start({ livemode: true });
    const { priceId, customerId, sessionId } = subscribe(fake);
    const { priceId: once } = fake.createProductAndPrice({ productName: 'Font', unitAmount: 500 });
    const email = 'ada@buyer.example';
    expect(fake.buySubscription({ email, priceId }).customerId).toBe(customerId);
    expect(fake.buyOnce({ email, priceId: once }).customerId).toBe(customerId);
    expect(fake.buySubscription({ email, priceId, guest: true }).customerId).not.toBe(customerId);
    expect(fake.buyOnce({ email, priceId: once, guest: true }).customerId).toBeNull();
    expect(sessionId).toMatch(/^cs_live_/);
    expect(fake.events.every(({ livemode }) => livemode)).toBe(true);
  });

  test('what Stripe would never do is refused', async () => {
    const { fake } = await start();
    const { subscriptionId, sessionId } = subscribe(fake);
    const { priceId: once } = fake.createProductAndPrice({ productName: 'Font', unitAmount: 500 });
    expect(() => fake.buySubscription({ email: 'ada@buyer.example', priceId: once })).toThrow(/recurring/);
    expect(() => fake.retryPayment(subscriptionId, true)).toThrow(/owes nothing/);
    expect(() => fake.endTrial(subscriptionId)).toThrow(/no trial/);
    expect(() => fake.settleAsyncPayment(sessionId, true)).toThrow(/awaits no payment/);
    fake.scheduleCancel(subscriptionId);
    expect(() => fake.renew(subscriptionId)).toThrow(/to be canceled/);
    fake.cancelNow(subscriptionId);
    expect(() => fake.renew(subscriptionId)).toThrow(/has ended/);
    expect(() => fake.renew('sub_none')).toThrow(/holds no sub_none/);
  });
});

function seconds(iso: string): number {
  return Date.parse(iso) / 1000;
}
