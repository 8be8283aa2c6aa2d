import { type Basket, type Buyer, createCustomer, fillBasket, findOrCreateCustomer, keepSession } from './checkout.ts';
import { attemptInvoice, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { intervalOf, periodFrom } from './period.ts';
import { renderCheckoutSession } from './render-checkout-session.ts';
import { renderSubscription } from './render-subscription.ts';
import type { Customer, FakeEvent, LineItem, State, Subscription } from './state.ts';
import { emit, requestedStep, type Step, updateSubscription } from './step.ts';

const DAY_S = 86_400;

/**
 * `guest`: a buyer Checkout was not told to know. A subscription always has a customer, so Stripe makes a new one even
 * where the address has one already.
 */
export type SubscriptionOrder = Buyer & Basket & { trialDays?: number; guest?: boolean };

export type SubscriptionPurchase = { events: FakeEvent[]; sessionId: string; customerId: string; subscriptionId: string; invoiceId: string };

/** A buyer subscribes in Checkout and pays the first invoice, or starts a trial with an invoice for nothing. */
export function buySubscription(state: State, order: SubscriptionOrder): SubscriptionPurchase {
  const step = requestedStep(state);
  const lineItems = fillBasket(state, order);
  const customer = order.guest ? createCustomer(step, order) : findOrCreateCustomer(step, order);
  const subscription = keepSubscription(step, customer, { lineItems, trialDays: order.trialDays ?? 0 });
  const invoice = draftInvoice(step, subscription, { reason: 'subscription_create', period: subscription.period });
  subscription.latestInvoiceId = invoice.id;
  emit(step, 'customer.subscription.created', renderSubscription(state, subscription));
  finalizeInvoice(step, invoice);
  attemptInvoice(step, invoice, true);
  if (subscription.status === 'incomplete') updateSubscription(step, subscription, { status: 'active' });
  const session = keepSession(step, order, {
    mode: 'subscription',
    lineItems,
    paymentStatus: subscription.trial ? 'no_payment_required' : 'paid',
    customerId: customer.id,
    customerCreation: 'always',
    subscriptionId: subscription.id,
    invoiceId: invoice.id,
  });
  emit(step, 'checkout.session.completed', renderCheckoutSession(state, session));
  return { events: step.events, sessionId: session.id, customerId: customer.id, subscriptionId: subscription.id, invoiceId: invoice.id };
}

function keepSubscription({ state, at }: Step, customer: Customer, { lineItems, trialDays }: { lineItems: LineItem[]; trialDays: number }): Subscription {
  const trial = trialDays > 0 ? { start: at, end: at + trialDays * DAY_S } : null;
  const subscription: Subscription = {
    id: state.newId('subscription'),
    customerId: customer.id,
    status: trial ? 'trialing' : 'incomplete',
    items: lineItems.map(({ priceId, quantity }) => ({ id: state.newId('subscriptionItem'), priceId, quantity })),
    paymentMethodId: state.newId('paymentMethod'),
    latestInvoiceId: null,
    anchor: trial?.end ?? at,
    period: trial ?? periodFrom(at, at, intervalOf(state, lineItems)),
    trial,
    cancelAtPeriodEnd: false,
    canceledAt: null,
    endedAt: null,
    created: at,
  };
  state.subscriptions.set(subscription.id, subscription);
  return subscription;
}
