import { renderPlan, renderPrice } from './render-catalog.ts';
import { shownIn } from './shape.ts';
import { type Billed, type Invoice, type InvoiceItem, type InvoiceLine, recordOf, type State, type StripeObject } from './state.ts';

/** A line of an invoice as Stripe shows it: until acacia its price and origin are fields of its own, from basil on `pricing` and `parent`. */
export function renderInvoiceLine(state: State, invoice: Invoice, line: InvoiceLine): StripeObject {
  const discounts = line.discount > 0 ? [{ amount: line.discount, discount: discountOf(invoice) }] : [];
  return shownIn(state.shape, {
    id: line.id,
    object: 'line_item',
    amount: line.amount,
    amount_excluding_tax: line.amount,
    currency: 'usd',
    description: line.description,
    discount_amounts: discounts,
    discountable: !line.proration,
    discounts: discounts.map(({ discount }) => discount),
    invoice: invoice.id,
    ...(line.invoiceItemId !== null && { invoice_item: line.invoiceItemId }),
    livemode: state.livemode,
    metadata: {},
    parent: parentOf(line, invoice.subscriptionId),
    period: { end: line.period.end, start: line.period.start },
    pretax_credit_amounts: [],
    ...pricesOf(state, line),
    proration: line.proration,
    proration_details: { credited_items: null },
    quantity: line.quantity,
    quantity_decimal: String(line.quantity),
    subscription: invoice.subscriptionId,
    subscription_item: line.subscriptionItemId,
    subtotal: line.amount,
    tax_amounts: [],
    tax_rates: [],
    taxes: [],
    type: line.invoiceItemId === null ? 'subscription' : 'invoiceitem',
    unit_amount_excluding_tax: unitAmountOf(line),
  });
}

/** Something to be billed, as Stripe shows it. */
export function renderInvoiceItem(state: State, item: InvoiceItem): StripeObject {
  const { subscriptionId } = item;
  return shownIn(state.shape, {
    id: item.id,
    object: 'invoiceitem',
    amount: item.amount,
    currency: 'usd',
    customer: item.customerId,
    customer_account: null,
    date: item.created,
    description: item.description,
    discountable: !item.proration,
    discounts: [],
    invoice: item.invoiceId,
    livemode: state.livemode,
    metadata: {},
    net_amount: item.amount,
    parent: subscriptionId && { subscription_details: { subscription: subscriptionId, subscription_item: item.subscriptionItemId }, type: 'subscription_details' },
    period: { end: item.period.end, start: item.period.start },
    ...pricesOf(state, item),
    proration: item.proration,
    quantity: item.quantity,
    quantity_decimal: String(item.quantity),
    subscription: subscriptionId,
    subscription_item: item.subscriptionItemId,
    tax_rates: [],
    test_clock: null,
    unit_amount: item.amount / item.quantity,
    unit_amount_decimal: unitAmountOf(item),
  });
}

/** The one discount an invoice may have. */
export function discountOf({ id }: Invoice): string {
  return `di_${id.slice('in_'.length)}`;
}

/** What was billed, in the words of every version. */
function pricesOf(state: State, billed: Billed) {
  const price = billed.priceId === null ? null : recordOf(state.prices, billed.priceId);
  return {
    plan: price === null || price.interval === null ? null : renderPlan(state, price.id),
    price: price && renderPrice(state, price.id),
    pricing: {
      ...(price && { price_details: { price: price.id, product: price.productId } }),
      type: 'price_details',
      unit_amount_decimal: unitAmountOf(billed),
    },
  };
}

function parentOf(line: InvoiceLine, subscription: string | null) {
  const told = { invoice_item: line.invoiceItemId, proration: line.proration, proration_details: { credited_items: null }, subscription };
  return line.subscriptionItemId === null
    ? { invoice_item_details: told, subscription_item_details: null, type: 'invoice_item_details' }
    : { invoice_item_details: null, subscription_item_details: { ...told, subscription_item: line.subscriptionItemId }, type: 'subscription_item_details' };
}

function unitAmountOf({ amount, quantity }: Billed): string {
  return String(amount / quantity);
}
