import { renderPlan, renderPrice } from './render-catalog.ts';
import { type Invoice, type InvoiceLine, recordOf, type State, type StripeObject } from './state.ts';

/** A line of an invoice as Stripe shows it. */
export function renderInvoiceLine(state: State, invoice: Invoice, line: InvoiceLine): StripeObject {
  return {
    id: line.id,
    object: 'line_item',
    amount: line.amount,
    currency: 'usd',
    description: line.description,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice: invoice.id,
    livemode: state.livemode,
    metadata: {},
    period: { end: line.period.end, start: line.period.start },
    pretax_credit_amounts: [],
    quantity: line.quantity,
    ...(state.shape === 'acacia' ? acaciaFields(state, invoice, line) : basilFields(state, invoice, line)),
  };
}

/** Until acacia a line carries its whole price, and names its origin in fields of its own. */
function acaciaFields(state: State, invoice: Invoice, line: InvoiceLine) {
  return {
    amount_excluding_tax: line.amount,
    plan: renderPlan(state, line.priceId),
    price: renderPrice(state, line.priceId),
    proration: false,
    proration_details: { credited_items: null },
    subscription: invoice.subscriptionId,
    subscription_item: line.subscriptionItemId,
    tax_amounts: [],
    tax_rates: [],
    type: 'subscription',
    unit_amount_excluding_tax: String(line.amount / line.quantity),
  };
}

/** From basil on it names its price under `pricing` and its origin under `parent`. */
function basilFields(state: State, invoice: Invoice, line: InvoiceLine) {
  const price = recordOf(state.prices, line.priceId);
  return {
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: invoice.subscriptionId,
        subscription_item: line.subscriptionItemId,
      },
      type: 'subscription_item_details',
    },
    pricing: {
      price_details: { price: price.id, product: price.productId },
      type: 'price_details',
      unit_amount_decimal: String(line.amount / line.quantity),
    },
    taxes: [],
  };
}
