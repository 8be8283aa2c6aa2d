import { describe, expect, test } from '@jest/globals';
import { readEnvelope } from '../../src/billing/core/envelope.ts';
import { readCustomer } from '../../src/billing/core/read-customer.ts';
import { readEvent } from '../../src/billing/core/read-stripe.ts';
import { day } from '../support/facts.ts';

const seconds = (iso: string) => new Date(iso).getTime() / 1000;
const [start, end] = [seconds(day(1)), seconds(day(31))];

function payload(type: string, object: object, change: object = {}): string {
  return JSON.stringify({ id: 'evt_1', object: 'event', type, created: start, livemode: false, api_version: 'any', data: { object, ...change } });
}

function factOf(type: string, object: object): unknown {
  const read = readEvent(payload(type, object), 'test');
  return read.ok ? read.sighting.fact : read.finding;
}

const item = { id: 'si_1', quantity: 2 };
const subscriptions: [string, object][] = [
  ['2020-08-27: the period on the subscription, the price as `plan`', { id: 'sub_1', customer: 'cus_1', status: 'active', current_period_start: start, current_period_end: end, items: { data: [{ ...item, plan: { id: 'price_1', product: 'prod_1' } }] } }],
  ['acacia: the period on the subscription, the price as `price`', { id: 'sub_1', customer: 'cus_1', status: 'active', current_period_start: start, current_period_end: end, items: { data: [{ ...item, price: { id: 'price_1', product: 'prod_1' }, plan: { id: 'price_1', product: 'prod_1' } }] } }],
  ['basil and later: the period on its items', { id: 'sub_1', customer: 'cus_1', status: 'active', items: { data: [{ ...item, current_period_start: start, current_period_end: end, price: { id: 'price_1', product: 'prod_1' } }] } }],
  ['expanded: objects where ids stood', { id: 'sub_1', customer: { id: 'cus_1', object: 'customer' }, status: 'active', items: { data: [{ ...item, current_period_start: start, current_period_end: end, price: { id: 'price_1', product: { id: 'prod_1' } } }] } }],
];

const line = { id: 'il_1', amount: 1900, period: { start, end } };
const invoices: [string, object][] = [
  ['2020-08-27: `paid`, the subscription by id, the price as `plan`', { id: 'in_1', customer: 'cus_1', customer_email: 'jo@example.com', created: start, paid: true, subscription: 'sub_1', billing_reason: 'subscription_cycle', lines: { data: [{ ...line, subscription: 'sub_1', subscription_item: 'si_1', plan: { id: 'price_1', product: 'prod_1' } }] } }],
  ['acacia: `status`, the price as `price`', { id: 'in_1', customer: 'cus_1', customer_email: 'jo@example.com', created: start, paid: true, status: 'paid', subscription: 'sub_1', billing_reason: 'subscription_cycle', lines: { data: [{ ...line, subscription_item: 'si_1', price: { id: 'price_1', product: 'prod_1' } }] } }],
  ['basil and later: the subscription under `parent`, the price under `pricing`', { id: 'in_1', customer: 'cus_1', customer_email: 'jo@example.com', created: start, status: 'paid', parent: { subscription_details: { subscription: 'sub_1' } }, billing_reason: 'subscription_cycle', lines: { data: [{ ...line, parent: { subscription_item_details: { subscription_item: 'si_1' } }, pricing: { price_details: { price: 'price_1', product: 'prod_1' } } }] } }],
  ['the subscription on its lines alone', { id: 'in_1', customer: 'cus_1', customer_email: 'jo@example.com', created: start, status: 'paid', billing_reason: 'subscription_cycle', lines: { data: [{ ...line, parent: { subscription_item_details: { subscription: 'sub_1', subscription_item: 'si_1' } }, pricing: { price_details: { price: 'price_1', product: 'prod_1' } } }] } }],
];

describe('every generation of a payload reads as the same fact', () => {
  test.each(subscriptions)('subscription, %s', (_title, object) => {
    expect(factOf('customer.subscription.updated', object)).toEqual({
      kind: 'subscription', id: 'sub_1', customerId: 'cus_1', status: 'active', sendsInvoice: false, partial: false, cancelAt: null, cancelAtPeriodEnd: false, endedAt: null, trialEnd: null, pauseBehavior: null,
      items: [{ id: 'si_1', priceId: 'price_1', productId: 'prod_1', quantity: 2, periodStart: day(1), periodEnd: day(31), metered: false }],
    });
  });

  test.each(invoices)('invoice, %s', (_title, object) => {
    expect(factOf('invoice.paid', object)).toEqual({
      kind: 'invoice', id: 'in_1', customerId: 'cus_1', subscriptionId: 'sub_1', status: 'paid', billingReason: 'subscription_cycle', email: 'jo@example.com', name: null, createdAt: day(1), dueAt: null, paidAt: null, amountPaid: null, hostedUrl: null, paymentIds: [], partial: false,
      lines: [{ id: 'il_1', priceId: 'price_1', productId: 'prod_1', quantity: 1, periodStart: day(1), periodEnd: day(31), subscriptionItemId: 'si_1', amount: 1900, proration: false }],
    });
  });
});

describe('what is not known is never guessed', () => {
  const [, sound] = subscriptions[2]!;
  test.each([
    ['a subscription status', 'customer.subscription.updated', { ...sound, status: 'hibernating' }, 'value_unknown'],
    ['what a pause does to invoices', 'customer.subscription.updated', { ...sound, pause_collection: { behavior: 'defer' } }, 'value_unknown'],
    ['a subscription without a period', 'customer.subscription.updated', { ...sound, items: { data: [{ id: 'si_1', price: { id: 'price_1' } }] } }, 'shape_unknown'],
    ['a subscription without items', 'customer.subscription.updated', { ...sound, items: null }, 'shape_unknown'],
    ['an invoice status', 'invoice.paid', { ...invoices[2]![1], status: 'maybe' }, 'value_unknown'],
    ['an invoice without lines', 'invoice.paid', { id: 'in_1' }, 'shape_unknown'],
    ['a payment status', 'checkout.session.completed', { id: 'cs_1', mode: 'payment', payment_status: 'pending' }, 'value_unknown'],
    ['a session mode', 'checkout.session.completed', { id: 'cs_1', mode: 'rent', payment_status: 'paid' }, 'value_unknown'],
    ['no object at all', 'invoice.paid', [] as object, 'shape_unknown'],
  ])('%s needs attention', (_title, type, object, code) => {
    expect(factOf(type, object)).toMatchObject({ code });
  });

  test.each([
    ['a type that is not taken', 'payout.paid', 'type_not_taken'],
    ['a type named like a built-in', 'constructor', 'type_not_taken'],
  ])('%s is ignored', (_title, type, code) => {
    expect(factOf(type, { id: 'x' })).toMatchObject({ code });
  });

  test('a session in setup mode is ignored', () => {
    expect(factOf('checkout.session.completed', { id: 'cs_1', mode: 'setup', payment_status: 'no_payment_required' })).toMatchObject({ code: 'setup_session' });
  });

  test.each([['', '[]', 'null', '{"id":"evt_1"}', '{"id":"evt_1","object":"event","type":"x","livemode":false,"created":"yesterday"}']])('%j is not an event', (...texts) => {
    for (const text of texts) expect(readEnvelope(text)).toBeNull();
  });
});

test('what a database cannot hold is left out of a name, wherever the object came from', () => {
  expect(readCustomer({ id: 'cus_1', email: 'jo@example.com', name: 'J\u0000o \ud800' })).toMatchObject({ ok: true, fact: { name: 'Jo \ufffd' } });
});

test.each([
  ['price (2020 on)', { price: { id: 'price_1', recurring: { usage_type: 'metered' } } }, true],
  ['plan (before)', { plan: { id: 'price_1', usage_type: 'metered' } }, true],
  ['price that is paid before', { price: { id: 'price_1', recurring: { usage_type: 'licensed' } } }, false],
])('usage that is billed in arrears is told by its %s', (_title, priced, metered) => {
  const [, sound] = subscriptions[2]!;
  const read = factOf('customer.subscription.updated', { ...sound, items: { data: [{ id: 'si_1', current_period_start: start, current_period_end: end, ...priced }] } });
  expect(read).toMatchObject({ items: [{ metered }] });
});

test('a deleted customer tells nothing', () => {
  expect(readCustomer({ id: 'cus_1', deleted: true })).toMatchObject({ ok: false, finding: { code: 'customer_deleted' } });
});

test('a changed email leaves a mark, another change of the customer none', () => {
  const marks = (previous: object) => {
    const read = readEvent(payload('customer.updated', { id: 'cus_1', email: 'new@example.com', name: null }, { previous_attributes: previous }), 'test');
    return read.ok ? read.sighting.marks : null;
  };
  expect(marks({ email: 'old@example.com' })).toEqual({ emailChangedAt: day(1) });
  expect(marks({ balance: 0 })).toEqual({});
});

test('the object before an event is the object with its previous attributes laid over it', () => {
  const [, object] = subscriptions[2]!;
  const read = readEvent(payload('customer.subscription.updated', object, { previous_attributes: { status: 'incomplete' } }), 'test');
  expect(read).toMatchObject({ ok: true, sighting: { first: false, previous: { kind: 'subscription', id: 'sub_1', status: 'incomplete' } } });
});

test('a failed payment leaves a mark with its moment, a subscription the sight of its items', () => {
  const marks = (type: string, object: object) => {
    const read = readEvent(payload(type, object), 'test');
    return read.ok ? read.sighting.marks : null;
  };
  expect(marks('invoice.payment_failed', { ...invoices[2]![1], status: 'open' })).toEqual({ failedAt: day(1) });
  const entry = { at: day(1), standing: 'active', partial: false, items: [{ id: 'si_1', priceId: 'price_1', productId: 'prod_1', quantity: 2 }] };
  expect(marks('customer.subscription.created', subscriptions[2]![1])).toEqual({ timeline: [entry] });
  expect(marks('customer.subscription.created', { ...subscriptions[2]![1], status: 'past_due' })).toEqual({ timeline: [{ ...entry, standing: 'other' }] });
});
