import { attemptPayment, cancelPaymentIntent, createPaymentIntent, type Outcome } from './payment.ts';
import { renderCustomer } from './render-customer.ts';
import { dueOf, paidOf, renderInvoice, totalOf } from './render-invoice.ts';
import { renderInvoicePayment } from './render-invoice-payment.ts';
import { DAYS_UNTIL_DUE } from './render-subscription.ts';
import { hasInvoicePayments } from './shape.ts';
import { type Invoice, type InvoicePayment, type PaymentIntent, recordOf } from './state.ts';
import { emit, emitChange, type Step } from './step.ts';

/** The life of an invoice: drafted, finalized, then paid, voided or written off. */

const DAY_S = 86_400;

type Draft = Pick<Invoice, 'customerId' | 'billingReason' | 'lines' | 'period'> & Partial<Invoice>;

export function draftInvoice(step: Step, draft: Draft): Invoice {
  const { state, at } = step;
  const invoice: Invoice = {
    id: state.newId('invoice'),
    subscriptionId: null,
    quoteId: null,
    status: 'draft',
    collection: 'charge_automatically',
    autoAdvance: true,
    dueAt: null,
    number: null,
    startingBalance: 0,
    paidOutOfBand: false,
    paymentIntentId: null,
    attemptCount: 0,
    nextAttempt: null,
    finalizationError: null,
    finalizedAt: null,
    paidAt: null,
    voidedAt: null,
    markedUncollectibleAt: null,
    created: at,
    ...draft,
  };
  state.invoices.set(invoice.id, invoice);
  emit(step, 'invoice.created', renderInvoice(state, invoice));
  return invoice;
}

/** The invoice gets its number, takes up the customer's balance and, unless nothing is due, gets its payment. */
export function finalizeInvoice(step: Step, invoice: Invoice): void {
  const { state, at } = step;
  const customer = recordOf(state.customers, invoice.customerId);
  customer.invoiceCount += 1;
  const number = `${customer.invoicePrefix}-${String(customer.invoiceCount).padStart(4, '0')}`;
  const dueAt = invoice.collection === 'send_invoice' ? at + DAYS_UNTIL_DUE * DAY_S : null;
  Object.assign(invoice, { status: 'open', number, finalizedAt: at, finalizationError: null, dueAt, startingBalance: customer.balance } satisfies Partial<Invoice>);
  const balance = Math.min(0, totalOf(invoice) + invoice.startingBalance);
  if (balance !== customer.balance) emitChange(step, ['customer.updated'], [customer, renderCustomer], { balance });
  if (dueOf(invoice) > 0 && invoice.paymentIntentId === null) addPayment(step, invoice, { amount: dueOf(invoice), isDefault: true });
  emit(step, 'invoice.finalized', renderInvoice(state, invoice));
  if (invoice.collection === 'send_invoice') emit(step, 'invoice.sent', renderInvoice(state, invoice));
}

/** One more payment towards an invoice: Stripe's own of all that is due, or another beside it. */
function addPayment(step: Step, invoice: Invoice, { amount, isDefault }: { amount: number; isDefault: boolean }): PaymentIntent {
  const { state, at } = step;
  const { email } = recordOf(state.customers, invoice.customerId);
  const subscription = invoice.subscriptionId === null ? undefined : recordOf(state.subscriptions, invoice.subscriptionId);
  const intent = createPaymentIntent(step, { amount, customerId: invoice.customerId, email, invoiceId: invoice.id, ...(subscription && { paymentMethodId: subscription.paymentMethodId }) });
  if (isDefault) invoice.paymentIntentId = intent.id;
  attachPayment({ ...step, at }, invoice, intent, isDefault);
  return intent;
}

/** Records that a payment intent pays an invoice. */
export function attachPayment({ state, at }: Step, invoice: Invoice, intent: PaymentIntent, isDefault: boolean): InvoicePayment {
  const payment: InvoicePayment = {
    id: state.newId('invoicePayment'),
    invoiceId: invoice.id,
    paymentIntentId: intent.id,
    isDefault,
    status: 'open',
    amountRequested: intent.amount,
    amountPaid: null,
    paidAt: null,
    canceledAt: null,
    created: at,
  };
  state.invoicePayments.set(payment.id, payment);
  return payment;
}

/** One attempt to have an open invoice paid, by the payment Stripe made of it. One that nothing is due of is paid. */
export function attemptInvoice(step: Step, invoice: Invoice, outcome: Outcome): void {
  const { state, at } = step;
  const before = renderInvoice(state, invoice);
  const intent = invoice.paymentIntentId === null ? null : recordOf(state.paymentIntents, invoice.paymentIntentId);
  const paid = intent === null || outcome === 'succeeded';
  if (intent) attemptPayment(step, intent, outcome);
  if (intent && paid) settlePayment(step, intent);
  invoice.attemptCount += 1;
  if (!paid) invoice.nextAttempt = at + 3 * DAY_S;
  closeAttempt(step, invoice, paid ? 'succeeded' : outcome, before);
}

/** A part of an invoice is paid beside Stripe's own payment, which asks for what is left, and is canceled when nothing is. */
export function payPart(step: Step, invoice: Invoice, amount: number): void {
  const before = renderInvoice(step.state, invoice);
  const intent = addPayment(step, invoice, { amount, isDefault: false });
  attemptPayment(step, intent, 'succeeded');
  settlePayment(step, intent);
  const left = dueOf(invoice) - paidOf(step.state, invoice);
  if (left > 0) askFor(step, invoice, left);
  else cancelOpenPayments(step, invoice);
  if (left > 0 || invoice.status === 'paid') emit(step, 'invoice.updated', renderInvoice(step.state, invoice), before);
  else closeAttempt(step, invoice, 'succeeded', before);
  if (left < 0) emit(step, 'invoice.overpaid', renderInvoice(step.state, invoice));
}

function askFor({ state }: Step, invoice: Invoice, amount: number): void {
  const asked = [...state.invoicePayments.values()].find(({ invoiceId, isDefault, status }) => invoiceId === invoice.id && isDefault && status === 'open');
  if (asked === undefined) return;
  asked.amountRequested = amount;
  recordOf(state.paymentIntents, asked.paymentIntentId).amount = amount;
}

/** The money came another way. */
export function payOutOfBand(step: Step, invoice: Invoice): void {
  const before = renderInvoice(step.state, invoice);
  cancelOpenPayments(step, invoice);
  invoice.paidOutOfBand = true;
  closeAttempt(step, invoice, 'succeeded', before);
}

/** An invoice was paid by a payment that was made before it. */
export function closeWithPayment(step: Step, invoice: Invoice, intent: PaymentIntent): void {
  const before = renderInvoice(step.state, invoice);
  settlePayment(step, intent);
  closeAttempt(step, invoice, 'succeeded', before);
}

const toldOf: Record<Outcome, string[]> = {
  succeeded: ['invoice.paid', 'invoice.payment_succeeded'],
  failed: ['invoice.payment_failed'],
  requires_action: ['invoice.payment_action_required', 'invoice.payment_failed'],
};

function closeAttempt(step: Step, invoice: Invoice, outcome: Outcome, before: ReturnType<typeof renderInvoice>): void {
  if (outcome === 'succeeded') Object.assign(invoice, { status: 'paid', paidAt: step.at, nextAttempt: null } satisfies Partial<Invoice>);
  const after = renderInvoice(step.state, invoice);
  emit(step, 'invoice.updated', after, before);
  for (const type of toldOf[outcome]) emit(step, type, after);
}

function settlePayment(step: Step, intent: PaymentIntent): void {
  const { state, at } = step;
  const payment = [...state.invoicePayments.values()].find(({ paymentIntentId }) => paymentIntentId === intent.id);
  if (payment === undefined) throw new Error(`${intent.id} pays no invoice`);
  Object.assign(payment, { status: 'paid', amountPaid: intent.amount, paidAt: at } satisfies Partial<InvoicePayment>);
  if (hasInvoicePayments(state.shape)) emit(step, 'invoice_payment.paid', renderInvoicePayment(state, payment));
}

/** An invoice that was a mistake, or came to nothing. */
export function voidInvoice(step: Step, invoice: Invoice): void {
  cancelOpenPayments(step, invoice);
  emitChange(step, ['invoice.updated', 'invoice.voided'], [invoice, renderInvoice], { status: 'void', voidedAt: step.at, nextAttempt: null, autoAdvance: false });
}

/** The vendor gives up on an invoice. It may be paid all the same. */
export function markUncollectible(step: Step, invoice: Invoice): void {
  emitChange(step, ['invoice.updated', 'invoice.marked_uncollectible'], [invoice, renderInvoice], { status: 'uncollectible', markedUncollectibleAt: step.at, nextAttempt: null, autoAdvance: false });
}

/** Stripe cannot finalize a draft, for want of an address, say. */
export function failFinalization(step: Step, invoice: Invoice): void {
  emitChange(step, ['invoice.updated', 'invoice.finalization_failed'], [invoice, renderInvoice], { finalizationError: "The customer's location isn't recognized." });
}

function cancelOpenPayments(step: Step, invoice: Invoice): void {
  const { state, at } = step;
  const open = [...state.invoicePayments.values()].filter(({ invoiceId, status }) => invoiceId === invoice.id && status === 'open');
  for (const payment of open) {
    Object.assign(payment, { status: 'canceled', canceledAt: at } satisfies Partial<InvoicePayment>);
    cancelPaymentIntent(step, recordOf(state.paymentIntents, payment.paymentIntentId));
  }
}
