import { attemptCharge, createPaymentIntent } from './payment.ts';
import { amountOf } from './render-checkout-session.ts';
import { renderInvoice, totalOf } from './render-invoice.ts';
import { type Invoice, type InvoiceLine, type Period, recordOf, type State, type Subscription, type SubscriptionItem } from './state.ts';
import { emit, type Step } from './step.ts';

/** The life of a subscription's invoice: drafted, finalized, then paid or failed. */

const RETRY_S = 3 * 86_400;

type Billed = { reason: Invoice['billingReason']; period: Period };

/** An invoice for `period` of a subscription. A trial is billed too, for nothing. */
export function draftInvoice(step: Step, subscription: Subscription, { reason, period }: Billed): Invoice {
  const { state, at } = step;
  const invoice: Invoice = {
    id: state.newId('invoice'),
    customerId: subscription.customerId,
    subscriptionId: subscription.id,
    status: 'draft',
    billingReason: reason,
    lines: subscription.items.map((item) => lineFor(state, item, period, reason === 'subscription_create' && subscription.trial !== null)),
    period: reason === 'subscription_create' ? { start: at, end: at } : subscription.period,
    number: null,
    paymentIntentId: null,
    attemptCount: 0,
    nextAttempt: null,
    finalizedAt: null,
    paidAt: null,
    created: at,
  };
  state.invoices.set(invoice.id, invoice);
  emit(step, 'invoice.created', renderInvoice(state, invoice));
  return invoice;
}

function lineFor(state: State, item: SubscriptionItem, period: Period, trial: boolean): InvoiceLine {
  const { productId } = recordOf(state.prices, item.priceId);
  const { name } = recordOf(state.products, productId);
  const description = trial ? `Trial period for ${name}` : `${item.quantity} × ${name}`;
  const amount = trial ? 0 : amountOf(state, item);
  return { ...item, id: state.newId('invoiceLine'), subscriptionItemId: item.id, amount, description, period };
}

/** The invoice gets its number and, unless it is for nothing, its payment. */
export function finalizeInvoice(step: Step, invoice: Invoice): void {
  const { state, at } = step;
  const customer = recordOf(state.customers, invoice.customerId);
  const { paymentMethodId } = recordOf(state.subscriptions, invoice.subscriptionId);
  customer.invoiceCount += 1;
  const number = `${customer.invoicePrefix}-${String(customer.invoiceCount).padStart(4, '0')}`;
  const amount = totalOf(invoice);
  const owed = { amount, customerId: customer.id, email: customer.email, invoiceId: invoice.id, paymentMethodId };
  const paymentIntentId = amount > 0 ? createPaymentIntent(step, owed).id : null;
  Object.assign(invoice, { status: 'open', number, paymentIntentId, finalizedAt: at } satisfies Partial<Invoice>);
  emit(step, 'invoice.finalized', renderInvoice(state, invoice));
}

/** One attempt to have an open invoice paid. */
export function attemptInvoice(step: Step, invoice: Invoice, succeeds: boolean): void {
  const { state, at } = step;
  const before = renderInvoice(state, invoice);
  if (invoice.paymentIntentId !== null) attemptCharge(step, recordOf(state.paymentIntents, invoice.paymentIntentId), succeeds);
  invoice.attemptCount += 1;
  const outcome = succeeds ? ({ status: 'paid', paidAt: at, nextAttempt: null } as const) : { nextAttempt: at + RETRY_S };
  Object.assign(invoice, outcome satisfies Partial<Invoice>);
  const after = renderInvoice(state, invoice);
  emit(step, 'invoice.updated', after, before);
  const types = succeeds ? ['invoice.paid', 'invoice.payment_succeeded'] : ['invoice.payment_failed'];
  for (const type of types) emit(step, type, after);
}
