import { hasInvoicePayments } from './shape.ts';
import type { Invoice, InvoicePayment, State, StripeObject } from './state.ts';

/** A payment of an invoice as Stripe shows it. Versions before basil have none. */
export function renderInvoicePayment(state: State, payment: InvoicePayment): StripeObject {
  return {
    id: payment.id,
    object: 'invoice_payment',
    amount_paid: payment.amountPaid,
    amount_requested: payment.amountRequested,
    created: payment.created,
    currency: 'usd',
    invoice: payment.invoiceId,
    is_default: payment.isDefault,
    livemode: state.livemode,
    payment: { payment_intent: payment.paymentIntentId, type: 'payment_intent' },
    status: payment.status,
    status_transitions: { canceled_at: payment.canceledAt, paid_at: payment.paidAt },
  };
}

/** The payments of an invoice, newest first, in versions that have them. */
export function paymentsOf({ shape, invoicePayments }: State, { id }: Pick<Invoice, 'id'>): InvoicePayment[] | null {
  return hasInvoicePayments(shape) ? [...invoicePayments.values()].filter(({ invoiceId }) => invoiceId === id).reverse() : null;
}
