import { embeddedList } from './list.ts';
import { renderPlan, renderPrice } from './render-catalog.ts';
import { shownIn } from './shape.ts';
import type { State, StripeObject, Subscription, SubscriptionItem } from './state.ts';

/** Stripe embeds every item: a subscription may have twenty. */
const MOST_ITEMS = 20;

/** How long the stand-in lets an invoice that is sent wait for its money. */
export const DAYS_UNTIL_DUE = 14;

/** A subscription as Stripe shows it. Until acacia it tells the period itself, from basil on each item does. */
export function renderSubscription(state: State, subscription: Subscription): StripeObject {
  const { id, items, trial, canceledAt, cancelAtPeriodEnd, pauseCollection } = subscription;
  const renderedItems = items.map((item) => renderItem(state, subscription, item));
  return shownIn(state.shape, {
    id,
    object: 'subscription',
    ...settings,
    ...periodOf(subscription),
    billing_cycle_anchor: subscription.anchor,
    cancel_at: cancelAtPeriodEnd ? subscription.period.end : subscription.cancelAt,
    cancel_at_period_end: cancelAtPeriodEnd,
    canceled_at: canceledAt,
    cancellation_details: { comment: null, feedback: null, reason: canceledAt === null ? null : 'cancellation_requested' },
    collection_method: subscription.collection,
    created: subscription.created,
    customer: subscription.customerId,
    days_until_due: subscription.collection === 'send_invoice' ? DAYS_UNTIL_DUE : null,
    default_payment_method: subscription.paymentMethodId,
    discounts: subscription.percentOff > 0 ? [`di_${id.slice('sub_'.length)}`] : [],
    ended_at: subscription.endedAt,
    items: embeddedList(renderedItems, `/v1/subscription_items?subscription=${id}`, MOST_ITEMS),
    latest_invoice: subscription.latestInvoiceId,
    livemode: state.livemode,
    pause_collection: pauseCollection && { behavior: pauseCollection, resumes_at: null },
    pending_update: renderPendingUpdate(state, subscription),
    ...singlePlanOf(state, items),
    start_date: subscription.created,
    status: subscription.status,
    trial_end: trial?.end ?? null,
    trial_start: trial?.start ?? null,
  });
}

function renderItem(state: State, subscription: Subscription, item: SubscriptionItem): StripeObject {
  return shownIn(state.shape, {
    id: item.id,
    object: 'subscription_item',
    billing_thresholds: null,
    created: subscription.created,
    ...periodOf(subscription),
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: renderPlan(state, item.priceId),
    price: renderPrice(state, item.priceId),
    quantity: item.quantity,
    subscription: subscription.id,
    tax_rates: [],
  });
}

function renderPendingUpdate(state: State, subscription: Subscription) {
  const { pendingUpdate } = subscription;
  return pendingUpdate && {
    billing_cycle_anchor: null,
    expires_at: pendingUpdate.expiresAt,
    subscription_items: pendingUpdate.items.map((item) => renderItem(state, subscription, item)),
    trial_end: null,
    trial_from_plan: null,
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
  billing_mode: { type: 'classic' },
  billing_schedules: [],
  billing_thresholds: null,
  currency: 'usd',
  customer_account: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discount: null,
  invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
  managed_payments: null,
  metadata: {},
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  payment_settings: { payment_method_options: null, payment_method_types: ['card'], save_default_payment_method: 'off' },
  pending_invoice_item_interval: null,
  pending_setup_intent: null,
  schedule: null,
  test_clock: null,
  transfer_data: null,
  trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
};
