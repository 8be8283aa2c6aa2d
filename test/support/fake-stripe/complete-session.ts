import { createCustomer, findOrCreateCustomer } from './checkout.ts';
import { linesOfBasket } from './invoice-items.ts';
import { attachPayment, closeWithPayment, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { attemptPayment, beginSlowPayment, createPaymentIntent } from './payment.ts';
import { renderCheckoutSession, totalOfSession } from './render-checkout-session.ts';
import { type CheckoutSession, type PaymentIntent, recordOf } from './state.ts';
import { emit, type Step } from './step.ts';
import { createSubscription } from './subscription.ts';

/** `slow`: the buyer pays by a bank that takes its days. `guest`: Checkout was not told to know the buyer. */
export type Completion = { slow?: boolean; guest?: boolean };

/** The buyer completes a Checkout session: what was offered is sold. The event carries no line items. */
export function completeSession(step: Step, session: CheckoutSession, completion: Completion = {}): void {
  session.status = 'complete';
  sellers[session.mode](step, session, completion);
  emit(step, 'checkout.session.completed', renderCheckoutSession(step.state, session));
}

type Seller = (step: Step, session: CheckoutSession, completion: Completion) => void;

const sellers: Record<CheckoutSession['mode'], Seller> = { payment: sellOnce, subscription: sellSubscription, setup: saveCard };

/** Nothing is charged for what costs nothing. */
function sellOnce(step: Step, session: CheckoutSession, { slow = false }: Completion): void {
  const { state } = step;
  if (session.customerId === null && session.customerCreation === 'always') session.customerId = findOrCreateCustomer(step, buyerOf(session)).id;
  const amount = totalOfSession(state, session);
  if (amount === 0) {
    session.paymentStatus = 'no_payment_required';
    return;
  }
  const intent = createPaymentIntent(step, { amount, customerId: session.customerId, email: session.email, invoiceId: null });
  session.paymentIntentId = intent.id;
  if (slow) beginSlowPayment(step, intent);
  else receivePayment(step, session, intent);
}

function receivePayment(step: Step, session: CheckoutSession, intent: PaymentIntent): void {
  attemptPayment(step, intent, 'succeeded');
  session.paymentStatus = 'paid';
  if (session.invoiceCreation) session.invoiceId = invoiceAfterwards(step, session, intent);
}

/** The bank answers for a purchase that was paid slowly. */
export function settleSlowPayment(step: Step, session: CheckoutSession, succeeded: boolean): void {
  const intent = step.state.paymentIntents.get(session.paymentIntentId ?? '');
  if (intent?.status !== 'processing') throw new Error(`${session.id} awaits no payment`);
  if (succeeded) receivePayment(step, session, intent);
  else attemptPayment(step, intent, 'failed');
  emit(step, `checkout.session.async_payment_${succeeded ? 'succeeded' : 'failed'}`, renderCheckoutSession(step.state, session));
}

/** `invoice_creation`: what was paid is put on an invoice, which is paid by the same payment. */
function invoiceAfterwards(step: Step, session: CheckoutSession, intent: PaymentIntent): string {
  const { state, at } = step;
  if (session.customerId === null) throw new Error(`${session.id} makes an invoice, which needs a customer`);
  const invoice = draftInvoice(step, { customerId: session.customerId, billingReason: 'manual', period: { start: at, end: at }, lines: linesOfBasket(state, session, at), autoAdvance: false });
  Object.assign(invoice, { paymentIntentId: intent.id });
  intent.invoiceId = invoice.id;
  attachPayment(step, invoice, intent, true);
  finalizeInvoice(step, invoice);
  closeWithPayment(step, invoice, intent);
  return invoice.id;
}

/** A subscription always has a customer, so Stripe makes a guest a new one, even where the address has one already. */
function sellSubscription(step: Step, session: CheckoutSession, { guest = false }: Completion): void {
  const { lineItems, trialDays, percentOff } = session;
  const known = session.customerId === null ? undefined : recordOf(step.state.customers, session.customerId);
  const customer = known ?? (guest ? createCustomer(step, buyerOf(session)) : findOrCreateCustomer(step, buyerOf(session)));
  const subscription = createSubscription(step, customer, { lineItems, trialDays, percentOff });
  Object.assign(session, {
    customerId: customer.id,
    subscriptionId: subscription.id,
    invoiceId: subscription.latestInvoiceId,
    paymentStatus: trialDays > 0 || totalOfSession(step.state, session) === 0 ? 'no_payment_required' : 'paid',
  } satisfies Partial<CheckoutSession>);
}

function saveCard(step: Step, session: CheckoutSession): void {
  const { state } = step;
  session.customerId ??= findOrCreateCustomer(step, buyerOf(session)).id;
  session.setupIntentId = state.newId('setupIntent');
  session.paymentStatus = 'no_payment_required';
  emit(step, 'setup_intent.succeeded', { id: session.setupIntentId, object: 'setup_intent', customer: session.customerId, livemode: state.livemode, metadata: {}, status: 'succeeded', usage: 'off_session' });
}

function buyerOf({ email, name }: CheckoutSession) {
  return { ...(email !== null && { email }), ...(name !== null && { name }) };
}
