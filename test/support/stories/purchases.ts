import type { OneTimeOrder, SubscriptionOrder } from '../fake-stripe/buy.ts';
import type { World } from './story.ts';

/** How stories begin. */

type Wish<Order> = Partial<Order> & { items?: never };

/** Somebody subscribes to the monthly price in Checkout, unless the order says otherwise. */
export function subscribed({ stripe, shop, email, on }: World, day: number, order: Wish<SubscriptionOrder> = {}): string {
  on(day);
  return stripe.buySubscription({ email, ...order, priceId: order.priceId ?? shop.monthly }).subscriptionId;
}

/** The vendor's code subscribes somebody to the monthly price. */
export function enrolled({ stripe, shop, email, on }: World, day: number, order: Wish<SubscriptionOrder> = {}): { subscriptionId: string; invoiceId: string } {
  on(day);
  return stripe.subscribe({ email, ...order, priceId: order.priceId ?? shop.monthly });
}

/** Somebody pays once in Checkout. */
export function boughtOnce({ stripe, shop, email, on }: World, day: number, order: Wish<OneTimeOrder> = {}): string {
  on(day);
  return stripe.buyOnce({ email, ...order, priceId: order.priceId ?? shop.once }).sessionId;
}

/** Somebody is sent an invoice for the price that is paid once. */
export function invoiced({ stripe, shop, email, on }: World, day: number, quantity = 1): string {
  on(day);
  return stripe.sendInvoice({ email, items: [{ priceId: shop.once, quantity }] }).invoiceId;
}

/** Day 26: the first period ends on day 54, and its renewal is not paid. The second would end on day 85. */
export function failedOnDay54(world: World): string {
  const id = subscribed(world, 26);
  world.on(54);
  world.stripe.failRenewal(id);
  return id;
}

/** Day 10: the first period ends on day 41, and its renewal is not paid. Grace of seven days is long over when it is judged. */
export function failedOnDay41(world: World): string {
  const id = subscribed(world, 10);
  world.on(41);
  world.stripe.failRenewal(id);
  return id;
}

/** The charge that paid for a session, or for the latest invoice of a subscription. */
export function chargeFor({ stripe }: World, id: string): string {
  const [charge] = stripe.chargesOf(id.startsWith('sub_') ? stripe.latestInvoiceOf(id) : id);
  if (charge === undefined) throw new Error(`nothing was charged for ${id}`);
  return charge;
}
