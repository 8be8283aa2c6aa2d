import { attemptInvoice, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { intervalOf, periodFrom } from './period.ts';
import { type FakeEvent, type Invoice, recordOf, type State, type Subscription } from './state.ts';
import { type Step, timedStep, updateSubscription } from './step.ts';

/** The next period begins, and its invoice is paid. It follows the last period, whatever the time is. */
export function renew(state: State, subscriptionId: string): FakeEvent[] {
  const step = timedStep(state);
  const subscription = renewableOf(state, subscriptionId);
  payInvoice(step, subscription, beginPeriod(step, subscription, nextTurn(subscription)));
  return step.events;
}

/** The next period begins, and the first attempt to have its invoice paid fails. */
export function failRenewal(state: State, subscriptionId: string): FakeEvent[] {
  const step = timedStep(state);
  const subscription = renewableOf(state, subscriptionId);
  attemptInvoice(step, beginPeriod(step, subscription, nextTurn(subscription)), false);
  if (subscription.status !== 'past_due') updateSubscription(step, subscription, { status: 'past_due' });
  return step.events;
}

/** Another attempt at the invoice that is owed. Paid after the end, it revives nothing. */
export function retryPayment(state: State, subscriptionId: string, succeeds: boolean): FakeEvent[] {
  const subscription = recordOf(state.subscriptions, subscriptionId);
  const invoice = recordOf(state.invoices, subscription.latestInvoiceId ?? '');
  if (invoice.status !== 'open') throw new Error(`${subscriptionId} owes nothing`);
  const step = timedStep(state);
  if (succeeds) payInvoice(step, subscription, invoice);
  else attemptInvoice(step, invoice, false);
  return step.events;
}

/** The trial ends, now if that is before its time, and the first period is paid for. */
export function endTrial(state: State, subscriptionId: string): FakeEvent[] {
  const subscription = renewableOf(state, subscriptionId);
  const { trial } = subscription;
  if (subscription.status !== 'trialing' || trial === null) throw new Error(`${subscriptionId} is on no trial`);
  const step = timedStep(state);
  const { at } = step;
  const cutShort: Turn = { reason: 'subscription_update', start: at, anchor: at, trial: { ...trial, end: at } };
  payInvoice(step, subscription, beginPeriod(step, subscription, at < trial.end ? cutShort : nextTurn(subscription)));
  return step.events;
}

/** Where a new period starts and why, and what it makes of the anchor and the trial. */
type Turn = Pick<Subscription, 'anchor' | 'trial'> & { reason: Invoice['billingReason']; start: number };

function nextTurn({ anchor, trial, period }: Subscription): Turn {
  return { reason: 'subscription_cycle', start: period.end, anchor, trial };
}

/** Moves the subscription to a new period and bills it. */
function beginPeriod(step: Step, subscription: Subscription, { reason, start, anchor, trial }: Turn): Invoice {
  const period = periodFrom(start, anchor, intervalOf(step.state, subscription.items));
  const invoice = draftInvoice(step, subscription, { reason, period });
  const status = subscription.status === 'trialing' ? 'active' : subscription.status;
  updateSubscription(step, subscription, { status, anchor, trial, period, latestInvoiceId: invoice.id });
  finalizeInvoice(step, invoice);
  return invoice;
}

function payInvoice(step: Step, subscription: Subscription, invoice: Invoice): void {
  attemptInvoice(step, invoice, true);
  if (subscription.status === 'past_due') updateSubscription(step, subscription, { status: 'active' });
}

function renewableOf(state: State, subscriptionId: string): Subscription {
  const subscription = recordOf(state.subscriptions, subscriptionId);
  if (subscription.status === 'canceled') throw new Error(`${subscriptionId} has ended: Stripe does not renew it`);
  if (subscription.cancelAtPeriodEnd) throw new Error(`${subscriptionId} is to be canceled: Stripe does not renew it`);
  return subscription;
}
