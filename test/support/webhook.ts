import Stripe from 'stripe';
import { type Reply, TEST_SECRET } from './service.ts';

/** Stripe events small enough to read in a test, and their signed delivery. The stand-in tells whole stories. */

let next = 0;

export type RawEvent = { id: string; type: string; created: number; livemode: boolean; [field: string]: unknown };

export function event(type: string, object: object, change: Partial<RawEvent> = {}): RawEvent {
  next += 1;
  return { id: `evt_${process.pid}_${next}`, object: 'event', api_version: '2025-03-31.basil', created: unix(), livemode: false, type, data: { object }, ...change };
}

/** Seconds since 1970, `days` from now. */
export function unix(days = 0): number {
  return Math.floor(Date.now() / 1000) + days * 86_400;
}

/** A first month of one subscription to `price`: its checkout session, subscription and paid invoice. */
export function firstMonth({ n = 1, price = 'price_1', email = 'jo@example.com' } = {}) {
  // One reading of the clock: a second more would be a longer period.
  const began = unix();
  const ends = began + 30 * 86_400;
  const [customer, subscription, line] = [`cus_${n}`, `sub_${n}`, { price_details: { price, product: 'prod_1' } }];
  const item = { id: `si_${n}`, quantity: 1, price: { id: price, product: 'prod_1' }, current_period_start: began, current_period_end: ends };
  const parent = { subscription_item_details: { subscription_item: item.id, subscription } };
  const objects = {
    session: { id: `cs_${n}`, mode: 'subscription', payment_status: 'paid', customer, subscription, customer_details: { email, name: 'Jo' } },
    subscription: { id: subscription, customer, status: 'active', items: { data: [item] } },
    invoice: {
      id: `in_${n}`, customer, customer_email: email, status: 'paid', created: began, billing_reason: 'subscription_create',
      parent: { subscription_details: { subscription } }, lines: { data: [{ id: `il_${n}`, period: { start: began, end: ends }, pricing: line, parent }] },
    },
  };
  return {
    ...objects,
    events: [
      event('checkout.session.completed', objects.session),
      event('customer.subscription.created', objects.subscription),
      event('invoice.paid', objects.invoice),
    ],
  };
}

/** Posts an event as Stripe does, signed with `secret`; `body` replaces its bytes, `header` its signature. */
export async function deliver(
  url: string,
  sent: RawEvent,
  { secret = TEST_SECRET, path = '/webhooks/stripe', body = JSON.stringify(sent), header }: { secret?: string; path?: string; body?: string; header?: string } = {},
): Promise<Pick<Reply, 'status' | 'body'>> {
  const signature = header ?? Stripe.webhooks.generateTestHeaderString({ payload: JSON.stringify(sent), secret });
  const response = await fetch(`${url}${path}`, { method: 'POST', headers: { 'stripe-signature': signature, 'content-type': 'application/json' }, body });
  return { status: response.status, body: await response.json() };
}
