import type { RefundStatus } from '../fake-stripe/state.ts';
import { boughtOnce, chargeFor, invoiced, subscribed } from './purchases.ts';
import type { Story, World } from './story.ts';

const current = 'active ACTIVE until day 68';
const refunded = 'revoked REVOKED REFUNDED until day 68';

/** Bought on day 40, and given back on day 45, what is bought and how much as told; then the refund goes on as `then` says, a day a step. */
function givenBack(world: World, id: string, status: RefundStatus, ...then: RefundStatus[]): void {
  world.on(45);
  const { refundId } = world.stripe.refund(chargeFor(world, id), { status });
  for (const [n, next] of then.entries()) {
    world.on(46 + n);
    world.stripe.settleRefund(refundId, next);
  }
}

/** How a refund of a subscription's only payment can go. */
const courses: [title: string, course: [RefundStatus, ...RefundStatus[]], end: string][] = [
  ['refunded', ['succeeded'], refunded],
  ['its refund is pending', ['pending'], current],
  ['its refund was pending, then came', ['pending', 'succeeded'], refunded],
  ['its refund was pending, then failed', ['pending', 'failed'], current],
  ['its refund was pending, then canceled', ['pending', 'canceled'], current],
  ['its refund waited for the buyer, then came', ['requires_action', 'pending', 'succeeded'], refunded],
  ['its refund came, then failed', ['succeeded', 'failed'], current],
];

/** Money that goes back to who subscribed. */
export const refundStories: Story[] = ([
  ...courses.map(([title, course, end]) => ({ title, ends: [end], mails: 1, tell: (world: World) => givenBack(world, subscribed(world, 40), ...course) })),
  { title: 'its refund was pending, failed, and was done again', ends: [refunded], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    givenBack(world, id, 'pending', 'failed');
    world.on(50);
    world.stripe.refund(chargeFor(world, id));
  } },
  { title: 'refunded in part', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.refund(chargeFor(world, id), { amount: 1899 });
  } },
  { title: 'refunded in part, and then the rest', ends: [refunded], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.refund(chargeFor(world, id), { amount: 900 });
    world.on(46);
    world.stripe.refund(chargeFor(world, id));
  } },
  { title: 'refunded in part, the rest is pending', ends: [current], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.refund(chargeFor(world, id), { amount: 900 });
    world.on(46);
    world.stripe.refund(chargeFor(world, id), { status: 'pending' });
  } },
  { title: 'refunded three units over', ends: [refunded, refunded, refunded], mails: 1, tell: (world) => givenBack(world, subscribed(world, 40, { quantity: 3 }), 'succeeded') },
  { title: 'refunded for a period that is over', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    const first = chargeFor(world, id);
    world.on(41);
    world.stripe.renew(id);
    world.on(45);
    world.stripe.refund(first);
  } },
  { title: 'refunded for its renewal', ends: ['revoked REVOKED REFUNDED until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    world.on(41);
    world.stripe.renew(id);
    givenBack(world, id, 'succeeded');
  } },
  { title: 'refunded, then canceled', ends: ['revoked REVOKED REFUNDED until day 46'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    givenBack(world, id, 'succeeded');
    world.on(46);
    world.stripe.cancelNow(id);
  } },
  { title: 'canceled, then refunded', ends: ['revoked REVOKED REFUNDED until day 43'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.cancelNow(id);
    givenBack(world, id, 'succeeded');
  } },
  { title: 'refunded for two things', ends: [refunded, `${refunded} of addon`], mails: 1, tell: (world) => {
    const { stripe, shop, email, on } = world;
    on(40);
    givenBack(world, stripe.buySubscription({ email, items: [{ priceId: shop.monthly }, { priceId: shop.addon }] }).subscriptionId, 'succeeded');
  } },
  { title: 'refunded for an item that was added, the other stays', ends: [current, `${refunded} of addon`], tell: (world) => {
    const id = subscribed(world, 40);
    world.on(42);
    world.stripe.changeItems(id, [{ priceId: world.shop.addon }], { prorate: 'now' });
    givenBack(world, id, 'succeeded');
  } },
  { title: 'refunded where that suspends', mapping: { onFullRefund: 'SUSPEND' }, ends: ['suspended SUSPENDED REFUNDED until day 68'], mails: 1, tell: (world) => givenBack(world, subscribed(world, 40), 'succeeded') },
  { title: 'refunded where that changes nothing', mapping: { onFullRefund: 'KEEP' }, ends: [current], mails: 1, tell: (world) => givenBack(world, subscribed(world, 40), 'succeeded') },
] satisfies Story[]).map((story) => ({ needsKey: 'payments', ...story }));

const good = 'active ACTIVE for good';
const taken = 'revoked REVOKED REFUNDED for good';

/** Money that goes back to who bought once. */
export const refundedOnceStories: Story[] = ([
  { title: 'bought once, refunded', ends: [taken], mails: 1, tell: (world) => givenBack(world, boughtOnce(world, 40), 'succeeded') },
  { title: 'bought once by a guest, refunded', ends: [taken, taken], mails: 1, tell: (world) => givenBack(world, boughtOnce(world, 40, { guest: true, quantity: 2 }), 'succeeded') },
  { title: 'bought once, its refund failed', ends: [good], mails: 1, tell: (world) => givenBack(world, boughtOnce(world, 40), 'pending', 'failed') },
  { title: 'bought once, refunded in part', ends: [good], mails: 1, tell: (world) => {
    const id = boughtOnce(world, 40);
    world.on(45);
    world.stripe.refund(chargeFor(world, id), { amount: 1 });
  } },
  { title: 'bought once with an invoice made of it, refunded', ends: [taken], mails: 1, tell: (world) => givenBack(world, boughtOnce(world, 40, { invoice: true }), 'succeeded') },
  { title: 'bought twice, one of them refunded', ends: [good, taken], mails: 2, tell: (world) => {
    boughtOnce(world, 40);
    givenBack(world, boughtOnce(world, 41), 'succeeded');
  } },
] satisfies Story[]).map((story) => ({ needsKey: 'line items', ...story }));

/** An invoice that is paid in two parts is refunded once both are. */
export const refundedPartStories: Story[] = ([
  ['paid in two parts, one of them refunded', [0], good],
  ['paid in two parts, both refunded', [0, 1], taken],
] as const).map(([title, parts, end]) => ({
  title, since: 'basil', needsKey: 'payments', ends: [end], mails: 1,
  tell: (world) => {
    const id = invoiced(world, 40);
    world.on(41);
    world.stripe.payPart(id, 3000);
    world.stripe.payPart(id, 2900);
    world.on(45);
    for (const part of parts) world.stripe.refund(world.stripe.chargesOf(id)[part]!);
  },
}));
