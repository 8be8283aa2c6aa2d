import { createProrations } from './invoice-items.ts';
import { finalizeInvoice, voidInvoice } from './invoicing.ts';
import type { Outcome } from './payment.ts';
import { intervalOf, periodFrom } from './period.ts';
import { type Invoice, recordOf, type State, type Subscription, type SubscriptionItem } from './state.ts';
import { type Step, updateSubscription } from './step.ts';
import { billPeriod, billWaiting, collectInvoice } from './subscription.ts';

/** What is to change: of the item named, or, with no `id`, a new item. */
export type ItemChange = { id?: string; priceId?: string; quantity?: number; remove?: boolean };

/**
 * `prorate`: billed at once, with the next invoice, or not at all (`always_invoice`, `create_prorations`, `none`).
 * `outcome`: how what is billed at once is paid. `ifPaid`: the change waits until it is.
 */
export type ChangeTerms = { prorate?: 'now' | 'later' | 'none'; outcome?: Outcome; ifPaid?: boolean };

/** Changes what a subscription is for. Another interval begins a new period now, and is always billed at once. */
export function changeItems(step: Step, subscription: Subscription, changes: ItemChange[], terms: ChangeTerms = {}): Invoice | null {
  const { prorate = 'later', outcome = 'succeeded', ifPaid = false } = terms;
  const { state, at } = step;
  const items = changedItems(state, subscription, changes);
  const moves = intervalOf(state, items) !== intervalOf(state, subscription.items);
  if (prorate !== 'none') createProrations(step, subscription, items, { charged: !moves });
  if (!moves && prorate !== 'now') {
    updateSubscription(step, subscription, { items });
    return null;
  }
  const period = moves ? periodFrom(at, at, intervalOf(state, items)) : subscription.period;
  const invoice = moves ? billPeriod(step, { ...subscription, items }, 'subscription_update', period) : billWaiting(step, subscription);
  const waits = ifPaid && outcome !== 'succeeded';
  const pendingUpdate = waits ? { items, invoiceId: invoice.id, expiresAt: at + PENDING_S } : null;
  updateSubscription(step, subscription, { latestInvoiceId: invoice.id, ...(waits ? { pendingUpdate } : { items, period, anchor: moves ? at : subscription.anchor }) });
  finalizeInvoice(step, invoice);
  collectInvoice(step, invoice, outcome);
  return invoice;
}

const PENDING_S = 23 * 3600;

/** What was to change once it was paid was not paid in time: it stays as it was. */
export function lapsePendingUpdate(step: Step, subscription: Subscription): void {
  const { pendingUpdate } = subscription;
  if (pendingUpdate === null) throw new Error(`${subscription.id} waits for nothing`);
  voidInvoice(step, recordOf(step.state.invoices, pendingUpdate.invoiceId));
  updateSubscription(step, subscription, { pendingUpdate: null }, 'customer.subscription.pending_update_expired');
}

/** The items as they will be. */
function changedItems(state: State, { id: subscriptionId, items }: Subscription, changes: ItemChange[]): SubscriptionItem[] {
  const stray = changes.find(({ id }) => id !== undefined && items.every((item) => item.id !== id));
  if (stray) throw new Error(`${subscriptionId} holds no ${stray.id}`);
  const kept = items.filter(({ id }) => !changes.some((change) => change.id === id && change.remove));
  const added = changes.filter(({ id }) => id === undefined);
  return [
    ...kept.map((item) => {
      const { priceId = item.priceId, quantity = item.quantity } = changes.find(({ id }) => id === item.id) ?? {};
      return { id: item.id, priceId, quantity };
    }),
    ...added.map(({ priceId = '', quantity = 1 }) => ({ id: state.newId('subscriptionItem'), priceId: recordOf(state.prices, priceId).id, quantity })),
  ];
}
