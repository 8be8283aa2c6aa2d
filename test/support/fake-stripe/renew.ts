import { finalizeInvoice, markUncollectible, voidInvoice } from './invoicing.ts';
import type { Outcome } from './payment.ts';
import { intervalOf, periodFrom } from './period.ts';
import { type Invoice, recordOf, type State, type Subscription } from './state.ts';
import { type Step, updateSubscription } from './step.ts';
import { billPeriod, collectInvoice } from './subscription.ts';

/** The next period begins and is billed. It follows the last period, whatever the time is. While collection is paused nothing is collected. */
export function renewSubscription(step: Step, subscription: Subscription, outcome: Outcome): void {
  const invoice = beginPeriod(step, subscription, nextTurn(subscription));
  switch (subscription.pauseCollection) {
    case null:
      finalizeInvoice(step, invoice);
      return collectInvoice(step, invoice, outcome);
    case 'keep_as_draft':
      return;
    case 'void':
      return voidInvoice(step, invoice);
    case 'mark_uncollectible':
      finalizeInvoice(step, invoice);
      return markUncollectible(step, invoice);
  }
}

/** The next period begins. Its invoice is a draft for about an hour. */
export function draftRenewal(step: Step, subscription: Subscription): Invoice {
  return beginPeriod(step, subscription, nextTurn(subscription));
}

/** The trial ends, now if that is before its time, and the first period is paid for, or not. */
export function endTrial(step: Step, subscription: Subscription, outcome: Outcome): void {
  const { trial } = subscription;
  if (subscription.status !== 'trialing' || trial === null) throw new Error(`${subscription.id} is on no trial`);
  const { at } = step;
  const cutShort: Turn = { reason: 'subscription_update', start: at, anchor: at, trial: { ...trial, end: at } };
  const invoice = beginPeriod(step, subscription, at < trial.end ? cutShort : nextTurn(subscription));
  finalizeInvoice(step, invoice);
  collectInvoice(step, invoice, outcome);
}

/** It stands still, as after a trial that ended without a card, until it is resumed. */
export function pauseSubscription(step: Step, subscription: Subscription): void {
  updateSubscription(step, subscription, { status: 'paused' }, 'customer.subscription.paused');
}

/** It goes on, with a period that begins now. */
export function resumeSubscription(step: Step, subscription: Subscription): void {
  const { at, state } = step;
  if (subscription.status !== 'paused') throw new Error(`${subscription.id} is not paused`);
  subscription.paymentMethodId ??= state.newId('paymentMethod');
  const period = periodFrom(at, at, intervalOf(state, subscription.items));
  const invoice = billPeriod(step, subscription, 'subscription_update', period);
  finalizeInvoice(step, invoice);
  collectInvoice(step, invoice, 'succeeded');
  updateSubscription(step, subscription, { status: 'active', anchor: at, period, latestInvoiceId: invoice.id }, 'customer.subscription.resumed');
}

/** Where a new period starts and why, and what it makes of the anchor and the trial. */
type Turn = Pick<Subscription, 'anchor' | 'trial'> & { reason: Invoice['billingReason']; start: number };

function nextTurn({ anchor, trial, period }: Subscription): Turn {
  return { reason: 'subscription_cycle', start: period.end, anchor, trial };
}

/** Moves the subscription to a new period and drafts the invoice for it. */
function beginPeriod(step: Step, subscription: Subscription, { reason, start, anchor, trial }: Turn): Invoice {
  const period = periodFrom(start, anchor, intervalOf(step.state, subscription.items));
  const invoice = billPeriod(step, subscription, reason, period);
  const status = subscription.status === 'trialing' ? 'active' : subscription.status;
  updateSubscription(step, subscription, { status, anchor, trial, period, latestInvoiceId: invoice.id });
  return invoice;
}

/** A subscription that Stripe would bill again. */
export function renewableOf(state: State, subscriptionId: string): Subscription {
  const subscription = recordOf(state.subscriptions, subscriptionId);
  if (subscription.status === 'canceled') throw new Error(`${subscriptionId} has ended: Stripe does not renew it`);
  if (subscription.cancelAtPeriodEnd) throw new Error(`${subscriptionId} is to be canceled: Stripe does not renew it`);
  return subscription;
}
