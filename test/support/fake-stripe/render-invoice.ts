import { embeddedList } from './list.ts';
import { discountOf, renderInvoiceLine } from './render-invoice-line.ts';
import { shownIn } from './shape.ts';
import { type Invoice, recordOf, type State, type StripeObject } from './state.ts';

/** An invoice as Stripe shows it: until acacia it names its subscription and its payment itself, from basil on a `parent`. */
export function renderInvoice(state: State, invoice: Invoice): StripeObject {
  const customer = recordOf(state.customers, invoice.customerId);
  const lines = invoice.lines.map((line) => renderInvoiceLine(state, invoice, line));
  const page = invoice.finalizedAt === null ? null : `https://invoice.stripe.com/i/${state.accountId}/${invoice.id}`;
  return shownIn(state.shape, {
    id: invoice.id,
    object: 'invoice',
    ...settings,
    ...amountsOf(state, invoice),
    ...originOf(invoice),
    ...paymentOf(state, invoice),
    attempt_count: invoice.attemptCount,
    attempted: invoice.attemptCount > 0 || invoice.status === 'paid',
    auto_advance: invoice.autoAdvance && invoice.status !== 'paid',
    billing_reason: invoice.billingReason,
    collection_method: invoice.collection,
    created: invoice.created,
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name,
    due_date: invoice.dueAt,
    effective_at: invoice.finalizedAt,
    hosted_invoice_url: page,
    invoice_pdf: page && `${page}/pdf`,
    last_finalization_error: invoice.finalizationError && { code: 'customer_tax_location_invalid', message: invoice.finalizationError, type: 'invalid_request_error' },
    lines: embeddedList(lines, `/v1/invoices/${invoice.id}/lines`),
    livemode: state.livemode,
    next_payment_attempt: invoice.nextAttempt,
    number: invoice.number,
    period_end: invoice.period.end,
    period_start: invoice.period.start,
    status: invoice.status,
    status_transitions: {
      finalized_at: invoice.finalizedAt,
      marked_uncollectible_at: invoice.markedUncollectibleAt,
      paid_at: invoice.paidAt,
      voided_at: invoice.voidedAt,
    },
  });
}

/** What an invoice comes to, in cents. */
export function totalOf({ lines }: Pick<Invoice, 'lines'>): number {
  return lines.reduce((sum, { amount, discount }) => sum + amount - discount, 0);
}

/** What is to be paid of it: the customer's balance counts too, and less than nothing is nothing. */
export function dueOf(invoice: Pick<Invoice, 'lines' | 'startingBalance'>): number {
  return Math.max(0, totalOf(invoice) + invoice.startingBalance);
}

/** What its payments have paid of it. */
export function paidOf({ invoicePayments }: State, invoice: Invoice): number {
  const paid = [...invoicePayments.values()].filter(({ invoiceId }) => invoiceId === invoice.id).reduce((sum, { amountPaid }) => sum + (amountPaid ?? 0), 0);
  return invoice.paidOutOfBand ? dueOf(invoice) : paid;
}

function amountsOf(state: State, invoice: Invoice) {
  const [total, due, paid] = [totalOf(invoice), dueOf(invoice), paidOf(state, invoice)];
  const subtotal = invoice.lines.reduce((sum, { amount }) => sum + amount, 0);
  return {
    amount_due: due,
    amount_overpaid: Math.max(0, paid - due),
    amount_paid: Math.min(paid, due),
    amount_remaining: Math.max(0, due - paid),
    discounts: subtotal === total ? [] : [discountOf(invoice)],
    ending_balance: invoice.finalizedAt === null ? null : Math.min(0, total + invoice.startingBalance),
    starting_balance: invoice.startingBalance,
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_discount_amounts: subtotal === total ? [] : [{ amount: subtotal - total, discount: discountOf(invoice) }],
    total_excluding_tax: total,
  };
}

/** What the invoice was made for: a subscription, a quote, or nothing but itself. */
function originOf({ subscriptionId, quoteId }: Invoice) {
  const ofSubscription = subscriptionId && { quote_details: null, subscription_details: { metadata: {}, subscription: subscriptionId }, type: 'subscription_details' };
  const ofQuote = quoteId && { quote_details: { quote: quoteId }, subscription_details: null, type: 'quote_details' };
  return {
    parent: ofSubscription ?? ofQuote,
    quote: quoteId,
    subscription: subscriptionId,
    subscription_details: { metadata: subscriptionId && {} },
  };
}

function paymentOf(state: State, { paymentIntentId, paidOutOfBand, status }: Invoice) {
  const intent = paymentIntentId === null ? null : recordOf(state.paymentIntents, paymentIntentId);
  return { charge: intent?.latestChargeId ?? null, paid: status === 'paid', paid_out_of_band: paidOutOfBand, payment_intent: paymentIntentId };
}

/** What no story changes. */
const settings = {
  account_country: 'US',
  account_name: 'The vendor',
  account_tax_ids: null,
  amount_shipping: 0,
  application: null,
  application_fee_amount: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  automatically_finalizes_at: null,
  currency: 'usd',
  custom_fields: null,
  customer_account: null,
  customer_address: null,
  customer_phone: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discount: null,
  footer: null,
  from_invoice: null,
  issuer: { type: 'self' },
  latest_revision: null,
  metadata: {},
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  statement_descriptor: null,
  tax: null,
  test_clock: null,
  total_pretax_credit_amounts: [],
  total_tax_amounts: [],
  total_taxes: [],
  transfer_data: null,
  webhooks_delivered_at: null,
};
