import { embeddedList } from './list.ts';
import { renderInvoiceLine } from './render-invoice-line.ts';
import { type Invoice, recordOf, type State, type StripeObject } from './state.ts';

/** An invoice as Stripe shows it. */
export function renderInvoice(state: State, invoice: Invoice): StripeObject {
  const customer = recordOf(state.customers, invoice.customerId);
  const lines = invoice.lines.map((line) => renderInvoiceLine(state, invoice, line));
  const page = invoice.status === 'draft' ? null : `https://invoice.stripe.com/i/${state.accountId}/${invoice.id}`;
  return {
    id: invoice.id,
    object: 'invoice',
    ...settings,
    ...amountsOf(invoice),
    attempt_count: invoice.attemptCount,
    attempted: invoice.attemptCount > 0 || invoice.status === 'paid',
    auto_advance: invoice.status !== 'paid',
    billing_reason: invoice.billingReason,
    created: invoice.created,
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name,
    effective_at: invoice.finalizedAt,
    ending_balance: invoice.status === 'draft' ? null : 0,
    hosted_invoice_url: page,
    invoice_pdf: page && `${page}/pdf`,
    lines: embeddedList(lines, `/v1/invoices/${invoice.id}/lines`),
    livemode: state.livemode,
    next_payment_attempt: invoice.nextAttempt,
    number: invoice.number,
    period_end: invoice.period.end,
    period_start: invoice.period.start,
    status: invoice.status,
    status_transitions: { finalized_at: invoice.finalizedAt, marked_uncollectible_at: null, paid_at: invoice.paidAt, voided_at: null },
    ...(state.shape === 'acacia' ? acaciaFields(state, invoice) : basilFields(invoice)),
  };
}

/** What an invoice comes to, in cents. */
export function totalOf({ lines }: Pick<Invoice, 'lines'>): number {
  return lines.reduce((sum, { amount }) => sum + amount, 0);
}

function amountsOf(invoice: Invoice) {
  const total = totalOf(invoice);
  const paid = invoice.status === 'paid' ? total : 0;
  return {
    amount_due: total,
    amount_paid: paid,
    amount_remaining: total - paid,
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_excluding_tax: total,
  };
}

/** Until acacia an invoice names its subscription and its payment itself, and says `paid`. */
function acaciaFields(state: State, { subscriptionId, paymentIntentId, status }: Invoice) {
  const intent = paymentIntentId === null ? null : recordOf(state.paymentIntents, paymentIntentId);
  return {
    application_fee_amount: null,
    charge: intent?.latestChargeId ?? null,
    discount: null,
    paid: status === 'paid',
    paid_out_of_band: false,
    payment_intent: paymentIntentId,
    quote: null,
    subscription: subscriptionId,
    subscription_details: { metadata: {} },
    tax: null,
    total_tax_amounts: [],
    transfer_data: null,
  };
}

/** From basil on its subscription is its `parent`, and its payments are objects of their own. */
function basilFields({ subscriptionId }: Invoice) {
  return {
    amount_overpaid: 0,
    parent: {
      quote_details: null,
      subscription_details: { metadata: {}, subscription: subscriptionId },
      type: 'subscription_details',
    },
    total_taxes: [],
  };
}

/** What no story changes. */
const settings = {
  account_country: 'US',
  account_name: 'The vendor',
  account_tax_ids: null,
  amount_shipping: 0,
  application: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  automatically_finalizes_at: null,
  collection_method: 'charge_automatically',
  currency: 'usd',
  custom_fields: null,
  customer_address: null,
  customer_phone: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  due_date: null,
  footer: null,
  from_invoice: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
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
  starting_balance: 0,
  statement_descriptor: null,
  test_clock: null,
  total_discount_amounts: [],
  total_pretax_credit_amounts: [],
  webhooks_delivered_at: null,
};
