import { boughtOnce, enrolled, subscribed } from './purchases.ts';
import { another, type Story } from './story.ts';

/** Subscriptions that are bought, tried and renewed without trouble. */
export const lifeStories: Story[] = [
  { title: 'bought', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => void subscribed(world, 40) },
  { title: 'bought five times over', ends: Array<string>(5).fill('active ACTIVE until day 68'), mails: 1, tell: (world) => void subscribed(world, 40, { quantity: 5 }) },
  { title: 'bought by the vendor\'s own code', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => void enrolled(world, 40) },
  { title: 'bought for a year', ends: ['active ACTIVE until day 405 of yearly'], mails: 1, tell: (world) => void subscribed(world, 40, { priceId: world.shop.yearly }) },
  { title: 'bought twice', ends: ['active ACTIVE until day 68', 'active ACTIVE until day 73'], mails: 2, tell: (world) => {
    subscribed(world, 40);
    subscribed(world, 45);
  } },
  { title: 'bought by two Stripe customers with one email', ends: ['active ACTIVE until day 68', 'active ACTIVE until day 68'], mails: 2, tell: (world) => {
    subscribed(world, 40, { guest: true });
    subscribed(world, 40, { guest: true });
  } },
  { title: 'bought as seats', mapping: { quantityMode: 'SEATS', seatsPerUnit: 2 }, ends: ['active ACTIVE until day 68, 10 machines'], mails: 1, tell: (world) => void subscribed(world, 40, { quantity: 5 }) },
  { title: 'a service is all that was bought', ends: [], mails: 0, tell: (world) => void subscribed(world, 40, { priceId: world.shop.service }) },
  { title: 'bought by somebody whose email changed then', ends: ['active ACTIVE until day 68'], tell: ({ stripe, shop, email, on }) => {
    on(40);
    const { customerId } = stripe.buySubscription({ email, priceId: shop.monthly });
    on(45);
    stripe.changeEmail(customerId, another(email));
  } },
  { title: 'bought once and subscribed to', needsKey: 'line items', ends: ['active ACTIVE for good', 'active ACTIVE until day 73'], mails: 2, tell: (world) => {
    boughtOnce(world, 40);
    subscribed(world, 45);
  } },
  { title: 'renewed twice', ends: ['active ACTIVE until day 90'], mails: 1, tell: (world) => {
    const id = subscribed(world, 0);
    world.on(31);
    world.stripe.renew(id);
    world.on(59);
    world.stripe.renew(id);
  } },
  { title: 'free by a coupon, and renewed for nothing', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10, { percentOff: 100 });
    world.on(41);
    world.stripe.renew(id);
  } },
  // Bought on day 1: its second period ends in the very moment it is judged.
  { title: 'its renewal is drafted', ends: ['active ACTIVE until day 60'], mails: 1, tell: (world) => {
    const id = subscribed(world, 1);
    world.on(32);
    world.stripe.renew(id);
    world.on(60);
    world.stripe.draftRenewal(id);
  } },
  { title: 'its renewal cannot be finalized', ends: ['active ACTIVE until day 60'], mails: 1, tell: (world) => {
    const id = subscribed(world, 1);
    world.on(32);
    world.stripe.renew(id);
    world.on(60);
    world.stripe.draftRenewal(id);
    world.stripe.failFinalization(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'its renewal was voided, so nothing is paid for', ends: ['expired ACTIVE until day 41'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    world.on(41);
    world.stripe.draftRenewal(id);
    world.stripe.finalizeInvoice(world.stripe.latestInvoiceOf(id));
    world.on(42);
    world.stripe.voidInvoice(world.stripe.latestInvoiceOf(id));
  } },
];

/** Trials, which end with a payment, a failure, a pause or a cancellation. */
export const trialStories: Story[] = [
  { title: 'tried', ends: ['active ACTIVE TRIAL until day 64'], mails: 1, tell: (world) => void subscribed(world, 50, { trialDays: 14 }) },
  { title: 'tried, and told that the trial ends', ends: ['active ACTIVE TRIAL until day 62'], mails: 1, tell: (world) => {
    const id = subscribed(world, 48, { trialDays: 14 });
    world.on(59);
    world.stripe.tellTrialEnd(id);
  } },
  { title: 'tried, then paid', ends: ['active ACTIVE until day 72'], mails: 1, tell: (world) => {
    const id = subscribed(world, 30, { trialDays: 14 });
    world.on(41);
    world.stripe.tellTrialEnd(id);
    world.on(44);
    world.stripe.endTrial(id);
  } },
  { title: 'tried, paid before the trial was over', ends: ['active ACTIVE until day 72'], mails: 1, tell: (world) => {
    const id = subscribed(world, 30, { trialDays: 60 });
    world.on(44);
    world.stripe.endTrial(id);
  } },
  { title: 'tried, then not paid', ends: ['active GRACE PAYMENT_FAILED until day 54, grace until day 61'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40, { trialDays: 14 });
    world.on(54);
    world.stripe.endTrial(id, 'failed');
  } },
  { title: 'tried where trials issue nothing', mapping: { issueOnTrial: false }, ends: [], mails: 0, tell: (world) => void subscribed(world, 50, { trialDays: 14 }) },
  { title: 'tried where trials issue nothing, then paid', mapping: { issueOnTrial: false }, ends: ['active ACTIVE until day 72'], mails: 1, tell: (world) => {
    const id = subscribed(world, 30, { trialDays: 14 });
    world.on(44);
    world.stripe.endTrial(id);
  } },
  { title: 'tried without a card, then paused', ends: ['suspended SUSPENDED PAUSED until day 44'], mails: 1, tell: (world) => {
    const { subscriptionId } = enrolled(world, 30, { trialDays: 14, paymentMethodId: null });
    world.on(44);
    world.stripe.pause(subscriptionId);
  } },
  { title: 'tried without a card, paused, then resumed', ends: ['active ACTIVE until day 75'], mails: 1, tell: (world) => {
    const { subscriptionId } = enrolled(world, 30, { trialDays: 14, paymentMethodId: null });
    world.on(44);
    world.stripe.pause(subscriptionId);
    world.on(47);
    world.stripe.resume(subscriptionId);
  } },
  { title: 'canceled in its trial', ends: ['expired ENDED CANCELED until day 55'], mails: 1, tell: (world) => {
    const id = subscribed(world, 50, { trialDays: 14 });
    world.on(55);
    world.stripe.cancelNow(id);
  } },
];
