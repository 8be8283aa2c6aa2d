import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { type FakeStripe, type FakeStripeOptions, startFakeStripe } from './fake-stripe/fake-stripe.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
});

async function start(options: FakeStripeOptions = {}): Promise<{ fake: FakeStripe; stripe: Stripe }> {
  const fake = await startFakeStripe({ seed: 7, ...options });
  opened.push(fake);
  const { hostname, port } = new URL(fake.url);
  return { fake, stripe: new Stripe('sk_test_123', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false }) };
}

/** A customer who pays by a test card, and a monthly price. */
async function shop(stripe: Stripe, card = 'pm_card_visa') {
  const product = await stripe.products.create({ name: 'Editor' });
  const price = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 900, recurring: { interval: 'month' } });
  const customer = await stripe.customers.create({ email: 'ada@buyer.example', payment_method: card, invoice_settings: { default_payment_method: card } });
  return { product: product.id, price: price.id, customer: customer.id };
}

async function billed(stripe: Stripe, customer: string) {
  await stripe.invoiceItems.create({ customer, amount: 1200, currency: 'usd', description: 'Setup' });
  return stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
}

const typesFrom = (fake: FakeStripe, from: number) => fake.events.slice(from).map(({ type }) => type);

describe('what the official SDK writes is what it reads, and what is told', () => {
  test('of a customer, whose metadata is merged, and of whom nothing is left once deleted', async () => {
    const { fake, stripe } = await start();
    const { id } = await stripe.customers.create({ email: 'ada@buyer.example', description: 'First', metadata: { plan: 'pro', seats: '3' } });
    const changed = await stripe.customers.update(id, { name: 'Ada', metadata: { seats: '', team: 'red' } });
    expect(changed).toMatchObject({ email: 'ada@buyer.example', name: 'Ada', description: 'First', metadata: { plan: 'pro', team: 'red' } });
    expect(await stripe.customers.retrieve(id)).toEqual(expect.objectContaining({ name: 'Ada', metadata: { plan: 'pro', team: 'red' } }));
    expect(fake.events[0]).toMatchObject({ type: 'customer.created', data: { object: { metadata: { plan: 'pro', seats: '3' } } } });
    expect(fake.events.at(-1)).toMatchObject({ type: 'customer.updated', data: { previous_attributes: { name: null, metadata: { seats: '3', team: null } } } });
    expect((await stripe.customers.list({ email: 'ada@buyer.example' })).data.map((customer) => customer.id)).toEqual([id]);
    expect(await stripe.customers.del(id)).toMatchObject({ id, deleted: true });
    expect(await stripe.customers.retrieve(id)).toMatchObject({ id, deleted: true });
    expect((await stripe.customers.list()).data).toEqual([]);
  });

  test('of a Checkout session, whose page the buyer confirms, and of its refund', async () => {
    const { fake, stripe } = await start();
    const session = await stripe.checkout.sessions.create({
      mode: 'payment', success_url: 'https://vendor.example/thanks',
      line_items: [{ quantity: 2, price_data: { currency: 'usd', unit_amount: 700, product_data: { name: 'Font' } } }],
    });
    expect(session).toMatchObject({ status: 'open', payment_status: 'unpaid', amount_total: 1400, customer_details: null, url: expect.stringContaining(session.id) });
    const method = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' }, billing_details: { email: 'bo@buyer.example', name: 'Bo' } });
    await expect(stripe.rawRequest('POST', `/v1/payment_pages/${session.id}/confirm`, { payment_method: method.id, expected_amount: 1 })).rejects.toMatchObject({ param: 'expected_amount' });
    await stripe.rawRequest('POST', `/v1/payment_pages/${session.id}/confirm`, { payment_method: method.id, expected_amount: 1400 });
    const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent.latest_charge'] });
    expect(paid).toMatchObject({ status: 'complete', payment_status: 'paid', customer_details: { email: 'bo@buyer.example', name: 'Bo' } });
    expect((await stripe.checkout.sessions.listLineItems(session.id)).data).toMatchObject([{ quantity: 2, amount_total: 1400 }]);
    const intent = paid.payment_intent as Stripe.PaymentIntent;
    const from = fake.events.length;
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 400 });
    expect(typesFrom(fake, from)).toEqual(['refund.created', 'charge.refunded']);
    expect((await stripe.refunds.list({ payment_intent: intent.id })).data.map(({ id }) => id)).toEqual([refund.id]);
    expect((await stripe.refunds.list({ charge: (intent.latest_charge as Stripe.Charge).id })).data).toHaveLength(1);
    await expect(stripe.refunds.create({ payment_intent: intent.id, amount: 1001 })).rejects.toMatchObject({ statusCode: 400, param: 'amount' });
    await stripe.refunds.create({ payment_intent: intent.id });
    await expect(stripe.refunds.create({ payment_intent: intent.id })).rejects.toMatchObject({ code: 'charge_already_refunded' });
    expect((await stripe.charges.list({ payment_intent: intent.id })).data).toMatchObject([{ refunded: true, amount_refunded: 1400 }]);
  });

  test('of a subscription: its items, its end, its pause and its lists', async () => {
    const { stripe } = await start();
    const { customer, price } = await shop(stripe);
    const { id, items } = await stripe.subscriptions.create({ customer, items: [{ price, quantity: 2 }], metadata: { order: '7' } });
    expect(await stripe.subscriptions.retrieve(id)).toMatchObject({ status: 'active', metadata: { order: '7' } });
    await stripe.subscriptionItems.update(items.data[0]!.id, { quantity: 5 });
    expect((await stripe.subscriptionItems.list({ subscription: id })).data).toMatchObject([{ quantity: 5, price: { id: price } }]);
    const paused = await stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' }, cancel_at_period_end: true });
    expect(paused).toMatchObject({ pause_collection: { behavior: 'void' }, cancel_at_period_end: true });
    expect(await stripe.subscriptions.update(id, { pause_collection: '', cancel_at_period_end: false })).toMatchObject({ pause_collection: null, cancel_at: null });
    await stripe.customers.del(customer);
    expect(await stripe.subscriptions.retrieve(id, { expand: ['customer'] })).toMatchObject({ status: 'canceled', customer: { id: customer, deleted: true } });
    await expect(stripe.subscriptions.cancel(id)).rejects.toMatchObject({ statusCode: 404, code: 'resource_missing' });
    const listed = async (query: Stripe.SubscriptionListParams) => (await stripe.subscriptions.list(query)).data.length;
    expect([await listed({}), await listed({ status: 'all' }), await listed({ status: 'ended', customer })]).toEqual([0, 1, 1]);
  });

  test('of an invoice: drafted, finalized, declined, paid by another card, and by which payment', async () => {
    const { fake, stripe } = await start();
    const { customer } = await shop(stripe, 'pm_card_chargeCustomerFail');
    const { id } = await billed(stripe, customer);
    await stripe.invoices.finalizeInvoice(id);
    const from = fake.events.length;
    await expect(stripe.invoices.pay(id)).rejects.toMatchObject({ statusCode: 402, type: 'StripeCardError', decline_code: 'generic_decline' });
    expect(typesFrom(fake, from)).toEqual(['charge.failed', 'payment_intent.payment_failed', 'invoice.updated', 'invoice.payment_failed']);
    await expect(stripe.invoices.pay(id, { payment_method: 'pm_card_threeDSecure2Required' })).rejects.toMatchObject({ statusCode: 402, code: 'invoice_payment_intent_requires_action' });
    expect(await stripe.invoices.pay(id, { payment_method: 'pm_card_visa' })).toMatchObject({ status: 'paid', amount_paid: 1200 });
    const [payment] = (await stripe.invoicePayments.list({ invoice: id })).data;
    expect(payment).toMatchObject({ status: 'paid', amount_paid: 1200 });
    const intent = payment!.payment.payment_intent as string;
    expect((await stripe.invoicePayments.list({ payment: { type: 'payment_intent', payment_intent: intent } })).data).toEqual([payment]);
    expect((await stripe.invoices.list({ customer, status: 'paid' })).data.map((invoice) => invoice.id)).toEqual([id]);
    await expect(stripe.invoices.voidInvoice(id)).rejects.toMatchObject({ statusCode: 400 });
  });

  test.each([
    ['pm_card_createDispute', 'needs_response', 'lost'],
    ['pm_card_createDisputeInquiry', 'warning_needs_response', 'warning_closed'],
  ])('of a dispute by %s, which is %s until it is closed', async (card, open, closed) => {
    const { stripe } = await start();
    const { id } = await stripe.paymentIntents.create({ amount: 100, currency: 'usd', payment_method: card, confirm: true });
    const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
    expect(dispute).toMatchObject({ status: open });
    expect(await stripe.disputes.close(dispute!.id)).toMatchObject({ status: closed });
    await expect(stripe.disputes.close(dispute!.id)).rejects.toMatchObject({ statusCode: 400 });
  });

  test.each([
    ['pm_card_pendingRefund', 'pending', 'succeeded'],
    ['pm_card_refundFail', 'succeeded', 'failed'],
  ])('of a refund to %s, which is %s and then %s', async (card, first, last) => {
    const { stripe } = await start();
    const { id } = await stripe.paymentIntents.create({ amount: 100, currency: 'usd', payment_method: card, confirm: true });
    const refund = await stripe.refunds.create({ payment_intent: id });
    expect([refund.status, (await stripe.refunds.retrieve(refund.id)).status]).toEqual([first, last]);
  });

  test('of a quote that is accepted: a subscription', async () => {
    const { stripe } = await start();
    const { customer, price } = await shop(stripe);
    const quote = await stripe.quotes.create({ customer, line_items: [{ price, quantity: 3 }] });
    await expect(stripe.quotes.accept(quote.id)).rejects.toMatchObject({ statusCode: 400 });
    await stripe.quotes.finalizeQuote(quote.id);
    const { subscription, status } = await stripe.quotes.accept(quote.id);
    expect(status).toBe('accepted');
    expect(await stripe.subscriptions.retrieve(subscription as string)).toMatchObject({ status: 'active', items: { data: [{ quantity: 3 }] } });
  });
});

describe('requests', () => {
  test('with one idempotency key do once what they ask, and say so again', async () => {
    const { fake, stripe } = await start();
    const create = (email: string) => stripe.customers.create({ email }, { idempotencyKey: 'key-1' });
    const [first, again] = [await create('ada@buyer.example'), await create('ada@buyer.example')];
    expect(again).toEqual(first);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(fake.events).toMatchObject([{ type: 'customer.created', request: { id: first.lastResponse.requestId, idempotency_key: 'key-1' } }]);
    await expect(create('bo@buyer.example')).rejects.toMatchObject({ rawType: 'idempotency_error', statusCode: 400 });
  });

  test('for what is not there, or without what they need, change nothing', async () => {
    const { fake, stripe } = await start();
    const { customer, price } = await shop(stripe);
    const bare = await stripe.customers.create({});
    const told = fake.events.length;
    await expect(stripe.subscriptions.create({ customer: 'cus_none', items: [{ price }] })).rejects.toMatchObject({ statusCode: 400, param: 'customer' });
    await expect(stripe.subscriptions.create({ customer, items: [{ price: 'price_none' }] })).rejects.toMatchObject({ code: 'resource_missing', param: 'price' });
    await expect(stripe.subscriptions.create({ customer: bare.id, items: [{ price }] })).rejects.toMatchObject({ code: 'resource_missing' });
    await expect(stripe.invoices.pay('in_none')).rejects.toMatchObject({ statusCode: 404 });
    await expect(stripe.refunds.create({})).rejects.toMatchObject({ param: 'charge' });
    expect(fake.events).toHaveLength(told);
  });
});

describe('a webhook endpoint', () => {
  /** An endpoint that answers with each status in turn, and then always with 200. */
  async function endpoint(...statuses: number[]) {
    const posted: { body: string; signature: string }[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        posted.push({ body, signature: String(request.headers['stripe-signature']) });
        response.writeHead(statuses.shift() ?? 200).end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push({
      close: async () => {
        server.close();
        server.closeAllConnections();
      },
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { url: `http://127.0.0.1:${address.port}/`, posted };
  }

  test('is posted the types it takes, signed with the secret it was created with, until it is disabled', async () => {
    const { fake, stripe } = await start();
    const { url, posted } = await endpoint();
    const { id, secret, status } = await stripe.webhookEndpoints.create({ url, enabled_events: ['customer.created', 'product.created'], description: 'Tillkey' });
    expect([secret, status]).toEqual([expect.stringMatching(/^whsec_/), 'enabled']);
    await stripe.customers.create({ email: 'ada@buyer.example' });
    await stripe.coupons.create({ percent_off: 20 });
    fake.createProductAndPrice({ productName: 'Font', unitAmount: 500 });
    await fake.delivered();
    const read = posted.map(({ body, signature }) => Stripe.webhooks.constructEvent(body, signature, secret!).type);
    expect(read.sort()).toEqual(['customer.created', 'product.created']);
    expect((await stripe.webhookEndpoints.list()).data).toMatchObject([{ id, description: 'Tillkey' }]);
    expect((await stripe.webhookEndpoints.retrieve(id)).secret).toBeUndefined();
    expect(await stripe.webhookEndpoints.update(id, { disabled: true, enabled_events: ['*'] })).toMatchObject({ status: 'disabled', enabled_events: ['*'] });
    await stripe.customers.create({ email: 'bo@buyer.example' });
    await stripe.webhookEndpoints.del(id);
    await fake.delivered();
    expect(posted).toHaveLength(2);
  });

  test('that fails is posted to again until it takes the event, and one that never does not for ever', async () => {
    const { fake, stripe } = await start();
    const [late, refusing] = [await endpoint(503, 500), await endpoint(400)];
    for (const { url } of [late, refusing]) fake.postTo(url);
    fake.postTo('http://127.0.0.1:9/');
    await stripe.customers.create({ email: 'ada@buyer.example' });
    await fake.delivered();
    expect([late.posted.length, refusing.posted.length]).toEqual([3, 1]);
    expect(fake.deliveries.map(({ status }) => status).sort()).toEqual([200, 400, 500, 503, 599, 599, 599, 599, 599]);
  });

  test('that is known from the start is posted every event', async () => {
    const { url, posted } = await endpoint();
    const { fake, stripe } = await start({ webhookUrl: url, webhookSecret: 'whsec_known' });
    await stripe.customers.create({ email: 'ada@buyer.example' });
    await fake.delivered();
    expect(posted.map(({ body, signature }) => Stripe.webhooks.constructEvent(body, signature, 'whsec_known').id)).toEqual(fake.events.map(({ id }) => id));
  });
});
