import { amountOf, discountOn } from './render-checkout-session.ts';
import { renderInvoiceItem } from './render-invoice-line.ts';
import { type Billed, type CheckoutSession, type InvoiceItem, type InvoiceLine, type Period, recordOf, type State, type Subscription, type SubscriptionItem } from './state.ts';
import { emit, type Step } from './step.ts';

/** What invoices bill: items that wait for the next invoice, and the lines that these and a subscription's own items become. */

type Ordered = Partial<Billed> & Pick<InvoiceItem, 'customerId'> & Partial<Pick<InvoiceItem, 'subscriptionId' | 'invoiceId'>>;

/** Something to be billed with the customer's next invoice, or the subscription's. */
export function createInvoiceItem(step: Step, ordered: Ordered): InvoiceItem {
  const { state, at } = step;
  const { priceId = null, quantity = 1 } = ordered;
  const item: InvoiceItem = {
    id: state.newId('invoiceItem'),
    amount: priceId === null ? 0 : amountOf(state, { priceId, quantity }),
    description: priceId === null ? 'Something else' : nameOf(state, priceId),
    period: { start: at, end: at },
    proration: false,
    subscriptionItemId: null,
    subscriptionId: null,
    invoiceId: null,
    created: at,
    ...ordered,
    priceId,
    quantity,
  };
  state.invoiceItems.set(item.id, item);
  emit(step, 'invoiceitem.created', renderInvoiceItem(state, item));
  return item;
}

/** The items that wait for the next invoice of a subscription, or (`null`) of the customer alone. */
export function waitingItems(state: State, { customerId, subscriptionId }: Pick<InvoiceItem, 'customerId' | 'subscriptionId'>): InvoiceItem[] {
  return [...state.invoiceItems.values()].filter((item) => item.invoiceId === null && item.customerId === customerId && item.subscriptionId === subscriptionId);
}

/** The lines that items become. */
export function linesOfItems(state: State, items: InvoiceItem[]): InvoiceLine[] {
  return items.map(({ id, priceId, quantity, amount, description, period, proration, subscriptionItemId }) => ({
    id: state.newId('invoiceLine'), priceId, quantity, amount, description, period, proration, subscriptionItemId, discount: 0, invoiceItemId: id,
  }));
}

/** The lines for a period of a subscription. A trial is billed too, for nothing. */
export function linesOfPeriod(state: State, { items, percentOff }: Pick<Subscription, 'items' | 'percentOff'>, period: Period, trial: boolean): InvoiceLine[] {
  return items.map((item) => {
    const amount = trial ? 0 : amountOf(state, item);
    const description = trial ? `Trial period for ${nameOf(state, item.priceId)}` : `${item.quantity} × ${nameOf(state, item.priceId)}`;
    return {
      id: state.newId('invoiceLine'), priceId: item.priceId, quantity: item.quantity, amount, description, period, proration: false,
      subscriptionItemId: item.id, discount: discountOn(amount, percentOff), invoiceItemId: null,
    };
  });
}

/** The lines of an invoice for what was bought once in Checkout. */
export function linesOfBasket(state: State, { lineItems, percentOff }: Pick<CheckoutSession, 'lineItems' | 'percentOff'>, at: number): InvoiceLine[] {
  return lineItems.map((item) => ({
    id: state.newId('invoiceLine'), priceId: item.priceId, quantity: item.quantity, amount: amountOf(state, item), description: nameOf(state, item.priceId),
    period: { start: at, end: at }, proration: false, subscriptionItemId: null,
    discount: discountOn(amountOf(state, item), percentOff), invoiceItemId: state.newId('invoiceItem'),
  }));
}

/** What changes the price of the rest of a period: the unused time of what goes, and the time left of what comes. */
export function createProrations(step: Step, { id, customerId, items, period }: Subscription, next: SubscriptionItem[], parts: { charged: boolean }): InvoiceItem[] {
  const share = (period.end - step.at) / (period.end - period.start);
  const isIn = (list: SubscriptionItem[], item: SubscriptionItem) => list.some((other) => other.id === item.id && other.priceId === item.priceId && other.quantity === item.quantity);
  const prorate = (item: SubscriptionItem, sign: 1 | -1) => createInvoiceItem(step, {
    customerId, subscriptionId: id, subscriptionItemId: item.id, priceId: item.priceId, quantity: item.quantity,
    amount: sign * Math.round(amountOf(step.state, item) * share), proration: true, period: { start: step.at, end: period.end },
    description: `${sign < 0 ? 'Unused' : 'Remaining'} time on ${nameOf(step.state, item.priceId)}`,
  });
  const credits = items.filter((item) => !isIn(next, item)).map((item) => prorate(item, -1));
  return parts.charged ? [...credits, ...next.filter((item) => !isIn(items, item)).map((item) => prorate(item, 1))] : credits;
}

function nameOf(state: State, priceId: string): string {
  return recordOf(state.products, recordOf(state.prices, priceId).productId).name;
}
