import { enrolled, failedOnDay41, failedOnDay54, subscribed } from './purchases.ts';
import type { Story } from './story.ts';

const inGrace = 'active GRACE PAYMENT_FAILED until day 54, grace until day 61';
const suspended = 'suspended SUSPENDED PAYMENT_FAILED until day 41, grace until day 48';

/** Renewals that are not paid, and what comes of it. */
export const failureStories: Story[] = [
  { title: 'not paid at renewal', ends: [inGrace], mails: 1, tell: (world) => void failedOnDay54(world) },
  { title: 'not paid at renewal, and retried in vain: the anchor of grace stays', ends: [inGrace], mails: 1, tell: (world) => {
    const id = failedOnDay54(world);
    world.on(57);
    world.stripe.retryPayment(id, false);
    world.on(59);
    world.stripe.retryPayment(id, false);
  } },
  { title: 'not paid at renewal, then paid', ends: ['active ACTIVE until day 85'], mails: 1, tell: (world) => {
    const id = failedOnDay54(world);
    world.on(57);
    world.stripe.retryPayment(id, false);
    world.on(58);
    world.stripe.retryPayment(id, true);
  } },
  { title: 'not paid at renewal where there is no grace', mapping: { gracePeriodDays: 0 }, ends: ['suspended SUSPENDED PAYMENT_FAILED until day 54, grace until day 54'], mails: 1, tell: (world) => void failedOnDay54(world) },
  { title: 'not paid until grace was over', ends: [suspended], mails: 1, tell: (world) => void failedOnDay41(world) },
  { title: 'not paid until grace was over, then paid', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(55);
    world.stripe.retryPayment(id, true);
  } },
  { title: 'unpaid for good', ends: [suspended], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(50);
    world.stripe.retryPayment(id, false);
    world.stripe.giveUpRetries(id);
  } },
  // The second period would have ended on day 59, the third on day 90.
  { title: 'two renewals are not paid: grace runs from the first', ends: ['suspended SUSPENDED PAYMENT_FAILED until day 31, grace until day 38'], mails: 1, tell: (world) => {
    const id = subscribed(world, 0);
    world.on(31);
    world.stripe.failRenewal(id);
    world.on(59);
    world.stripe.failRenewal(id);
  } },
  { title: 'two renewals were not paid, then the latest was', ends: ['active ACTIVE until day 90'], mails: 1, tell: (world) => {
    const id = subscribed(world, 0);
    world.on(31);
    world.stripe.failRenewal(id);
    world.on(59);
    world.stripe.failRenewal(id);
    world.on(60);
    world.stripe.retryPayment(id, true);
  } },
  { title: 'its renewal was written off', ends: [suspended], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(50);
    world.stripe.markUncollectible(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'its renewal was written off, and paid late', ends: ['active ACTIVE until day 69'], mails: 1, tell: (world) => {
    const id = failedOnDay41(world);
    world.on(50);
    world.stripe.markUncollectible(world.stripe.latestInvoiceOf(id));
    world.on(55);
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
  { title: 'its renewal waits for the buyer to confirm', ends: [inGrace], mails: 1, tell: (world) => {
    const id = subscribed(world, 26);
    world.on(54);
    world.stripe.failRenewal(id, 'requires_action');
  } },
  { title: 'its renewal waited for the buyer, who confirmed', ends: ['active ACTIVE until day 85'], mails: 1, tell: (world) => {
    const id = subscribed(world, 26);
    world.on(54);
    world.stripe.failRenewal(id, 'requires_action');
    world.on(55);
    world.stripe.payInvoice(world.stripe.latestInvoiceOf(id));
  } },
];

/** First payments that do not come, or come late. */
export const firstPaymentStories: Story[] = [
  { title: 'its first payment failed', ends: [], mails: 0, tell: (world) => void enrolled(world, 60, { outcome: 'failed' }) },
  { title: 'its first payment failed, then came', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const { invoiceId } = enrolled(world, 40, { outcome: 'failed' });
    world.on(40.5);
    world.stripe.payInvoice(invoiceId);
  } },
  { title: 'its first payment never came', ends: [], mails: 0, tell: (world) => {
    const { subscriptionId } = enrolled(world, 40, { outcome: 'failed' });
    world.on(41);
    world.stripe.expireIncomplete(subscriptionId);
  } },
  { title: 'its first payment waited for the buyer, who confirmed', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const { invoiceId } = enrolled(world, 40, { outcome: 'requires_action' });
    world.on(40.5);
    world.stripe.payInvoice(invoiceId);
  } },
  { title: 'sent an invoice that is not paid yet', ends: [], mails: 0, tell: (world) => void enrolled(world, 50, { collection: 'send_invoice' }) },
  { title: 'sent an invoice, and paid it', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const { invoiceId } = enrolled(world, 40, { collection: 'send_invoice' });
    world.on(45);
    world.stripe.payInvoice(invoiceId);
  } },
  { title: 'sent an invoice, and paid it another way', ends: ['active ACTIVE until day 68'], mails: 1, tell: (world) => {
    const { invoiceId } = enrolled(world, 40, { collection: 'send_invoice' });
    world.on(45);
    world.stripe.payOutOfBand(invoiceId);
  } },
];
