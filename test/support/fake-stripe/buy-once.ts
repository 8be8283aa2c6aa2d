import { type Basket, type Buyer, fillBasket, findOrCreateCustomer, keepSession } from './checkout.ts';
import { attemptCharge, beginSlowPayment, createPaymentIntent } from './payment.ts';
import { amountOf, renderCheckoutSession } from './render-checkout-session.ts';
import { type FakeEvent, recordOf, type State } from './state.ts';
import { emit, requestedStep, timedStep } from './step.ts';

/** `guest`: Stripe keeps no customer, only the address. `paid: false`: by a bank that takes its days. */
export type OneTimeOrder = Buyer & Basket & { guest?: boolean; paid?: boolean };

export type OneTimePurchase = { events: FakeEvent[]; sessionId: string; customerId: string | null };

/** A buyer pays once in Checkout. The event carries no line items; nothing is charged for what costs nothing. */
export function buyOnce(state: State, order: OneTimeOrder): OneTimePurchase {
  const step = requestedStep(state);
  const lineItems = fillBasket(state, order);
  const customerId = order.guest ? null : findOrCreateCustomer(step, order).id;
  const amount = lineItems.reduce((sum, item) => sum + amountOf(state, item), 0);
  const intent = amount > 0 ? createPaymentIntent(step, { amount, customerId, email: order.email, invoiceId: null }) : null;
  const paid = order.paid ?? true;
  if (intent && paid) attemptCharge(step, intent, true);
  if (intent && !paid) beginSlowPayment(step, intent);
  const session = keepSession(step, order, {
    mode: 'payment',
    lineItems,
    paymentStatus: intent === null ? 'no_payment_required' : paid ? 'paid' : 'unpaid',
    customerId,
    customerCreation: order.guest ? 'if_required' : 'always',
    paymentIntentId: intent?.id ?? null,
  });
  emit(step, 'checkout.session.completed', renderCheckoutSession(state, session));
  return { events: step.events, sessionId: session.id, customerId };
}

/** The bank answers for a purchase made with `paid: false`. */
export function settleAsyncPayment(state: State, sessionId: string, succeeded: boolean): FakeEvent[] {
  const session = recordOf(state.sessions, sessionId);
  if (session.paymentStatus !== 'unpaid' || session.paymentIntentId === null) throw new Error(`${sessionId} awaits no payment`);
  const step = timedStep(state);
  attemptCharge(step, recordOf(state.paymentIntents, session.paymentIntentId), succeeded);
  if (succeeded) session.paymentStatus = 'paid';
  emit(step, `checkout.session.async_payment_${succeeded ? 'succeeded' : 'failed'}`, renderCheckoutSession(state, session));
  return step.events;
}
