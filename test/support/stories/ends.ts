import { failedOnDay41, subscribed } from './purchases.ts';
import { dayOf, type Story } from './story.ts';

/** Subscriptions that end, or are to end. */
export const endStories: Story[] = [
  { title: 'to be canceled with its period', ends: ['active ACTIVE until day 68, canceled on day 68'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.scheduleCancel(id);
  } },
  { title: 'to be canceled on a day', ends: ['active ACTIVE until day 68, canceled on day 64'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.scheduleCancel(id, dayOf(64));
  } },
  { title: 'to be canceled, then not', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.scheduleCancel(id);
    world.on(45);
    world.stripe.undoCancel(id);
  } },
  { title: 'canceled', ends: ['expired ENDED CANCELED until day 43'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.cancelNow(id);
  } },
  { title: 'canceled with its period, as it was told', ends: ['expired ENDED CANCELED until day 41'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    world.on(20);
    world.stripe.scheduleCancel(id);
    world.on(41);
    world.stripe.cancelNow(id);
  } },
  { title: 'canceled, and bought again', ends: ['expired ENDED CANCELED until day 43', 'active ACTIVE until day 73'], mails: 2, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.cancelNow(id);
    subscribed(world, 45);
  } },
  { title: 'not paid, then canceled', ends: ['expired ENDED CANCELED until day 55'], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(55);
    world.stripe.cancelNow(id);
  } },
  { title: 'paid after its end', ends: ['expired ENDED CANCELED until day 50'], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(50);
    world.stripe.cancelNow(id);
    world.on(52);
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'canceled under a policy that revokes', mapping: { policy: { expirationStrategy: 'REVOKE' } }, ends: ['revoked REVOKED CANCELED until day 43'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(43);
    world.stripe.cancelNow(id);
  } },
  { title: 'paid after its end under a policy that revokes', mapping: { policy: { expirationStrategy: 'REVOKE' } }, ends: ['revoked REVOKED CANCELED until day 50'], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(50);
    world.stripe.cancelNow(id);
    world.on(52);
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'bought by somebody who was deleted then', ends: ['expired ENDED CANCELED until day 45'], mails: 1, tell: ({ stripe, shop, email, on }) => {
    on(40);
    const { customerId } = stripe.buySubscription({ email, priceId: shop.monthly });
    on(45);
    stripe.deleteCustomer(customerId);
  } },
];

const paused = 'suspended SUSPENDED PAUSED until day 68';

/** Collection that is paused, which a mapping may answer in three ways. */
export const pauseStories: Story[] = [
  ...([
    ['void', undefined, paused],
    ['keep_as_draft', undefined, 'active ACTIVE until day 68'],
    ['mark_uncollectible', undefined, 'active ACTIVE until day 68'],
    ['void', 'KEEP', 'active ACTIVE until day 68'],
    ['keep_as_draft', 'SUSPEND', paused],
    ['mark_uncollectible', 'SUSPEND', paused],
  ] as const).map(([behavior, onPauseCollection, end]): Story => ({
    title: `its collection is paused, ${behavior}${onPauseCollection ? `, where the mapping says ${onPauseCollection}` : ''}`,
    ...(onPauseCollection && { mapping: { onPauseCollection } }),
    ends: [end],
    mails: 1,
    tell: (world) => {
      const id = subscribed(world, 40);
      world.on(45);
      world.stripe.pauseCollection(id, behavior);
    },
  })),
  { title: 'its collection was paused, and goes on', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.pauseCollection(id, 'void');
    world.on(50);
    world.stripe.resumeCollection(id);
  } },
  { title: 'its collection was paused over a renewal, which nobody paid', ends: ['expired ACTIVE until day 41'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    world.on(20);
    world.stripe.pauseCollection(id, 'void');
    world.on(41);
    world.stripe.renew(id);
    world.on(50);
    world.stripe.resumeCollection(id);
  } },
  { title: 'its renewal was kept as a draft, and paid once collection went on', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = subscribed(world, 10);
    world.on(20);
    world.stripe.pauseCollection(id, 'keep_as_draft');
    world.on(41);
    world.stripe.renew(id);
    world.on(45);
    world.stripe.resumeCollection(id);
    world.stripe.finalizeInvoice(world.stripe.latestInvoiceOf(id));
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'its collection was paused, then it was canceled', ends: ['expired ENDED CANCELED until day 50'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.pauseCollection(id, 'void');
    world.on(50);
    world.stripe.cancelNow(id);
  } },
  { title: 'paused, then canceled', ends: ['expired ENDED CANCELED until day 50'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.pause(id);
    world.on(50);
    world.stripe.cancelNow(id);
  } },
  { title: 'paused, then resumed', ends: ['active ACTIVE until day 81'], mails: 1, tell: (world) => {
    const id = subscribed(world, 40);
    world.on(45);
    world.stripe.pause(id);
    world.on(50);
    world.stripe.resume(id);
  } },
];
