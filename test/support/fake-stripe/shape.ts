/**
 * How objects and events look: Stripe shows the same things differently in each version of its API. `2020-08-27` is the
 * oldest family, acacia the last in which an invoice names its payment, basil the first in which it does not, endive today's.
 */
export const shapes = ['2020-08-27', 'acacia', 'basil', 'endive'] as const;
export type Shape = (typeof shapes)[number];

export const apiVersions: Record<Shape, string> = {
  '2020-08-27': '2020-08-27',
  acacia: '2024-12-18.acacia',
  basil: '2025-03-31.basil',
  endive: '2026-10-28.endive',
};

/** The versions that show a field. A bound that is left out is open. */
type Life = { since?: Shape; until?: Shape };

const old: Life = { until: 'acacia' };
const oldest: Life = { until: '2020-08-27' };
const recent: Life = { since: 'basil' };
const newest: Life = { since: 'endive' };

/** The fields that only some versions show, by the `object` they stand in. Every version shows all others. */
const lives: Record<string, Record<string, Life>> = {
  charge: { dispute: oldest, destination: oldest, invoice: old, order: oldest, refunds: oldest },
  'checkout.session': { customer_account: newest, integration_identifier: newest, managed_payments: newest, shipping: oldest, shipping_details: { since: 'acacia', until: 'acacia' } },
  customer: { customer_account: newest, next_invoice_sequence: old },
  dispute: { balance_transaction: oldest, enhanced_eligibility_types: recent, intended_submission_method: newest },
  invoice: {
    amount_overpaid: recent, application_fee_amount: old, charge: old, customer_account: newest, discount: old, paid: old, paid_out_of_band: old, parent: recent,
    payment_intent: old, quote: old, subscription: old, subscription_details: { since: 'acacia', until: 'acacia' }, tax: old, total_tax_amounts: old, total_taxes: recent, transfer_data: old,
  },
  invoiceitem: { customer_account: newest, net_amount: newest, parent: recent, plan: old, price: old, pricing: recent, quantity_decimal: newest, subscription: old, subscription_item: old, unit_amount: old, unit_amount_decimal: old },
  line_item: {
    amount_excluding_tax: old, invoice_item: old, parent: recent, plan: old, price: old, pricing: recent, proration: old, proration_details: old, quantity_decimal: newest, subscription_item: old,
    subtotal: newest, tax_amounts: old, tax_rates: old, taxes: recent, type: old, unit_amount_excluding_tax: old,
  },
  payment_intent: { charges: oldest, customer_account: newest, invoice: old, latest_charge: { since: 'acacia' }, payment_record: newest },
  plan: { aggregate_usage: old, meter: { since: 'acacia' } },
  refund: { customer: newest, customer_account: newest, destination_details: { since: 'acacia' }, payment_method: newest },
  subscription: {
    billing_mode: newest, billing_schedules: newest, current_period_end: old, current_period_start: old, customer_account: newest, discount: old, managed_payments: newest, plan: { until: 'basil' },
    quantity: { until: 'basil' },
  },
  subscription_item: { current_period_end: recent, current_period_start: recent, current_trial: newest },
};

/** An object with the fields that `shape` shows of it. */
export function shownIn<Shown extends { object: string }>(shape: Shape, object: Shown): Shown {
  const own = lives[object.object] ?? {};
  return Object.fromEntries(Object.entries(object).filter(([name]) => isShown(shape, own[name] ?? {}))) as Shown;
}

/** From basil on a payment of an invoice is an object of its own, and neither the invoice nor the charge names the other. */
export function hasInvoicePayments(shape: Shape): boolean {
  return isShown(shape, recent);
}

function isShown(shape: Shape, { since, until }: Life): boolean {
  const place = shapes.indexOf(shape);
  return (since === undefined || place >= shapes.indexOf(since)) && (until === undefined || place <= shapes.indexOf(until));
}
