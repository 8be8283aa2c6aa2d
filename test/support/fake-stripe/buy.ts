import { type Basket, type Buyer, createCustomer, fillBasket, findOrCreateCustomer, openSession } from './checkout.ts';
import { completeSession } from './complete-session.ts';
import { recordOf } from './state.ts';
import type { Step } from './step.ts';
import { createSubscription, type SubscriptionTerms } from './subscription.ts';

/** What somebody orders. `guest`: Checkout is not told to know the buyer. `percentOff`: by a coupon. */
type Order = Buyer & Basket & { guest?: boolean; percentOff?: number };

/** `paid: false`: by a bank that takes its days. `invoice`: one is made of it afterwards. */
export type OneTimeOrder = Order & { paid?: boolean; invoice?: boolean };

export type SubscriptionOrder = Order & Pick<SubscriptionTerms, 'trialDays' | 'collection' | 'outcome' | 'paymentMethodId'>;

/** The ids of what was sold. */
type SoldOnce = { sessionId: string; customerId: string | null; invoiceId: string | null };
type Subscribed = { customerId: string; subscriptionId: string; invoiceId: string };

/** A buyer pays once in Checkout. A guest is kept as no customer, only as an address. */
export function buyOnce(step: Step, { guest = false, paid = true, invoice = false, percentOff = 0, ...order }: OneTimeOrder): SoldOnce {
  const session = openSession(step, {
    mode: 'payment', lineItems: fillBasket(step.state, order), email: order.email, name: order.name ?? null,
    customerCreation: guest ? 'if_required' : 'always', invoiceCreation: invoice, percentOff,
  });
  completeSession(step, session, { slow: !paid });
  return { sessionId: session.id, customerId: session.customerId, invoiceId: session.invoiceId };
}

/** A buyer subscribes in Checkout and pays the first invoice, or starts a trial with an invoice for nothing. */
export function buySubscription(step: Step, { guest = false, trialDays = 0, percentOff = 0, ...order }: SubscriptionOrder): Subscribed & { sessionId: string } {
  const session = openSession(step, { mode: 'subscription', lineItems: fillBasket(step.state, order), email: order.email, name: order.name ?? null, trialDays, percentOff });
  completeSession(step, session, { guest });
  return { sessionId: session.id, customerId: session.customerId ?? '', subscriptionId: session.subscriptionId ?? '', invoiceId: session.invoiceId ?? '' };
}

/** The vendor's own code makes a subscription. Its first payment may fail, or wait for an invoice to be paid. */
export function subscribe(step: Step, { guest = false, ...order }: SubscriptionOrder): Subscribed {
  const customer = guest ? createCustomer(step, order) : findOrCreateCustomer(step, order);
  const { trialDays, collection, outcome, paymentMethodId, percentOff } = order;
  const terms = { trialDays, collection, outcome, paymentMethodId, percentOff };
  const subscription = createSubscription(step, customer, { lineItems: fillBasket(step.state, order), ...terms });
  return { customerId: customer.id, subscriptionId: subscription.id, invoiceId: recordOf(step.state.invoices, subscription.latestInvoiceId ?? '').id };
}
