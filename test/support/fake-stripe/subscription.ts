import { linesOfItems, linesOfPeriod, waitingItems } from './invoice-items.ts';
import { attemptInvoice, draftInvoice, finalizeInvoice, voidInvoice } from './invoicing.ts';
import type { Outcome } from './payment.ts';
import { intervalOf, periodFrom } from './period.ts';
import { renderSubscription } from './render-subscription.ts';
import { type Collection, type Customer, type Invoice, type LineItem, recordOf, type Subscription } from './state.ts';
import { emit, type Step, updateSubscription } from './step.ts';

/** The life of a subscription: created, billed, paid for or not, ended. */

const DAY_S = 86_400;

export type SubscriptionTerms = {
  lineItems: Pick<LineItem, 'priceId' | 'quantity'>[];
  trialDays?: number;
  collection?: Collection;
  percentOff?: number;
  /** Null: a trial that asks for no card. */
  paymentMethodId?: string | null;
  /** How its first payment goes. */
  outcome?: Outcome;
};

/** A subscription, with its first invoice: paid, for nothing while on trial, sent, or not paid yet. */
export function createSubscription(step: Step, customer: Customer, terms: SubscriptionTerms): Subscription {
  const { state } = step;
  const subscription = keepSubscription(step, customer, terms);
  const invoice = billPeriod(step, subscription, 'subscription_create');
  subscription.latestInvoiceId = invoice.id;
  emit(step, 'customer.subscription.created', renderSubscription(state, subscription));
  finalizeInvoice(step, invoice);
  if (subscription.collection === 'charge_automatically' || subscription.trial) collectInvoice(step, invoice, terms.outcome ?? 'succeeded');
  return subscription;
}

function keepSubscription({ state, at }: Step, customer: Customer, terms: SubscriptionTerms): Subscription {
  const { lineItems, trialDays = 0, collection = 'charge_automatically', percentOff = 0, paymentMethodId = state.newId('paymentMethod') } = terms;
  const trial = trialDays > 0 ? { start: at, end: at + trialDays * DAY_S } : null;
  const subscription: Subscription = {
    id: state.newId('subscription'),
    customerId: customer.id,
    status: trial ? 'trialing' : collection === 'send_invoice' ? 'active' : 'incomplete',
    items: lineItems.map(({ priceId, quantity }) => ({ id: state.newId('subscriptionItem'), priceId, quantity })),
    collection,
    paymentMethodId,
    latestInvoiceId: null,
    anchor: trial?.end ?? at,
    period: trial ?? periodFrom(at, at, intervalOf(state, lineItems)),
    trial,
    percentOff,
    pauseCollection: null,
    pendingUpdate: null,
    cancelAt: null,
    cancelAtPeriodEnd: false,
    canceledAt: null,
    endedAt: null,
    created: at,
  };
  state.subscriptions.set(subscription.id, subscription);
  return subscription;
}

/** Drafts the invoice for a period, the subscription's own unless another is given, with whatever waits to be billed. */
export function billPeriod(step: Step, subscription: Subscription, reason: Invoice['billingReason'], period = subscription.period): Invoice {
  const { state, at } = step;
  const waiting = waitingItems(state, { customerId: subscription.customerId, subscriptionId: subscription.id });
  const onTrial = reason === 'subscription_create' && subscription.trial !== null;
  const invoice = draftInvoice(step, {
    customerId: subscription.customerId,
    subscriptionId: subscription.id,
    collection: subscription.collection,
    billingReason: reason,
    period: reason === 'subscription_create' ? { start: at, end: at } : subscription.period,
    lines: [...linesOfItems(state, waiting), ...linesOfPeriod(state, subscription, period, onTrial)],
  });
  for (const item of waiting) item.invoiceId = invoice.id;
  return invoice;
}

/** Drafts an invoice of what waits to be billed to a subscription, and of nothing else. */
export function billWaiting(step: Step, subscription: Subscription): Invoice {
  const { state, at } = step;
  const waiting = waitingItems(state, { customerId: subscription.customerId, subscriptionId: subscription.id });
  const { customerId, id: subscriptionId } = subscription;
  const invoice = draftInvoice(step, { customerId, subscriptionId, billingReason: 'subscription_update', period: { start: at, end: at }, lines: linesOfItems(state, waiting) });
  for (const item of waiting) item.invoiceId = invoice.id;
  return invoice;
}

/** One attempt to have an invoice paid, and what that makes of its subscription. One that has ended stays ended. */
export function collectInvoice(step: Step, invoice: Invoice, outcome: Outcome): void {
  attemptInvoice(step, invoice, outcome);
  followInvoice(step, invoice);
}

/** What an invoice being paid, or not, makes of its subscription. */
export function followInvoice(step: Step, invoice: Invoice): void {
  if (invoice.subscriptionId === null) return;
  const subscription = recordOf(step.state.subscriptions, invoice.subscriptionId);
  const { status, pendingUpdate } = subscription;
  const paid = invoice.status === 'paid';
  if (pendingUpdate?.invoiceId === invoice.id) {
    if (paid) updateSubscription(step, subscription, { items: pendingUpdate.items, pendingUpdate: null }, 'customer.subscription.pending_update_applied');
  } else if (paid && (status === 'incomplete' || status === 'past_due' || status === 'unpaid')) {
    updateSubscription(step, subscription, { status: 'active' });
  } else if (!paid && status === 'active') {
    updateSubscription(step, subscription, { status: 'past_due' });
  }
}

/** The first payment did not come within a day: there never was a subscription. */
export function expireIncomplete(step: Step, subscription: Subscription): void {
  voidInvoice(step, recordOf(step.state.invoices, subscription.latestInvoiceId ?? ''));
  updateSubscription(step, subscription, { status: 'incomplete_expired', endedAt: step.at });
}

/** It ends now: at once, or because the end it was told has come. */
export function endSubscription(step: Step, subscription: Subscription): void {
  Object.assign(subscription, { status: 'canceled', endedAt: step.at, canceledAt: subscription.canceledAt ?? step.at } satisfies Partial<Subscription>);
  emit(step, 'customer.subscription.deleted', renderSubscription(step.state, subscription));
}
