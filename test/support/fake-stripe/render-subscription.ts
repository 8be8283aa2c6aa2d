import { embeddedList } from './list.ts';
import { renderPlan, renderPrice } from './render-catalog.ts';
import type { State, StripeObject, Subscription, SubscriptionItem } from './state.ts';

/** Stripe embeds every item: a subscription may have twenty. */
const MOST_ITEMS = 20;

/** A subscription as Stripe shows it. acacia tells the period on the subscription, basil on each item. */
export function renderSubscription(state: State, subscription: Subscription): StripeObject {
  const { id, items, trial, canceledAt, cancelAtPeriodEnd } = subscription;
  const renderedItems = items.map((item) => renderItem(state, subscription, item));
  return {
    id,
    object: 'subscription',
    ...settings,
    ...(state.shape === 'acacia' ? { discount: null, ...periodOf(subscription) } : {}),
    billing_cycle_anchor: subscription.anchor,
    cancel_at: cancelAtPeriodEnd ? subscription.period.end : null,
    cancel_at_period_end: cancelAtPeriodEnd,
    canceled_at: canceledAt,
    cancellation_details: { comment: null, feedback: null, reason: canceledAt === null ? null : 'cancellation_requested' },
    created: subscription.created,
    customer: subscription.customerId,
    default_payment_method: subscription.paymentMethodId,
    ended_at: subscription.endedAt,
    items: embeddedList(renderedItems, `/v1/subscription_items?subscription=${id}`, MOST_ITEMS),
    latest_invoice: subscription.latestInvoiceId,
    livemode: state.livemode,
    ...singlePlanOf(state, items),
    start_date: subscription.created,
    status: subscription.status,
    trial_end: trial?.end ?? null,
    trial_start: trial?.start ?? null,
  };
}

function renderItem(state: State, subscription: Subscription, item: SubscriptionItem): StripeObject {
  return {
    id: item.id,
    object: 'subscription_item',
    billing_thresholds: null,
    created: subscription.created,
    ...(state.shape === 'basil' && periodOf(subscription)),
    discounts: [],
    metadata: {},
    plan: renderPlan(state, item.priceId),
    price: renderPrice(state, item.priceId),
    quantity: item.quantity,
    subscription: subscription.id,
    tax_rates: [],
  };
}

function periodOf({ period }: Subscription) {
  return { current_period_end: period.end, current_period_start: period.start };
}

/** Stripe repeats the plan on the subscription while there is only one. */
function singlePlanOf(state: State, items: SubscriptionItem[]) {
  const [item, ...others] = items;
  const single = item !== undefined && others.length === 0;
  return { plan: single ? renderPlan(state, item.priceId) : null, quantity: single ? item.quantity : null };
}

/** What no story changes. */
const settings = {
  application: null,
  application_fee_percent: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor_config: null,
  billing_thresholds: null,
  collection_method: 'charge_automatically',
  currency: 'usd',
  days_until_due: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
  metadata: {},
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  pause_collection: null,
  payment_settings: { payment_method_options: null, payment_method_types: ['card'], save_default_payment_method: 'off' },
  pending_invoice_item_interval: null,
  pending_setup_intent: null,
  pending_update: null,
  schedule: null,
  test_clock: null,
  transfer_data: null,
  trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
};
