import { ApiError, badParameter, noSuch } from '../api-error.ts';
import { cancelNow, rescheduleCancel } from '../cancel.ts';
import { changeItems, type ItemChange } from '../change-items.ts';
import { endTrial, pauseSubscription, resumeSubscription } from '../renew.ts';
import { renderSubscription } from '../render-subscription.ts';
import type { Customer, State, StripeObject, Subscription } from '../state.ts';
import { emit, requestedStep, type Step, updateSubscription } from '../step.ts';
import { createSubscription } from '../subscription.ts';
import { priceOf } from './catalog.ts';
import { customerKind, defaultMethodOf } from './customers.ts';
import { flagOf, integerOf, type Params, partOf, partsOf, requiredText, textOf } from './params.ts';
import { cardDeclined, outcomeOf } from './payment-intents.ts';
import { behaviorOf, paymentMethodOf } from './payment-methods.ts';
import { answerList, type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { isToldOf, tell, update } from './tell.ts';

const DAY_S = 86_400;
/** How long before its end Stripe tells of a trial's end. */
const TRIAL_NOTICE_S = 3 * DAY_S;

const kind: Kind<Subscription> = {
  path: '/v1/subscriptions',
  noun: 'subscription',
  param: 'id',
  records: ({ subscriptions }) => subscriptions,
  render: renderSubscription,
  filters: ['customer', 'collection_method'],
};

export const subscriptionRoutes: Route[] = [
  { method: 'get', path: kind.path, answer: list },
  ...readRoutes(kind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/subscriptions/:id', answer: change },
  { method: 'delete', path: '/v1/subscriptions/:id', answer: cancel },
  { method: 'post', path: '/v1/subscriptions/:id/resume', answer: resume },
];

const ends: string[] = ['canceled', 'incomplete_expired'];

/** All but the canceled, unless a status is asked for: `all` of them, or the `ended`. */
function list(call: Call): object {
  const [status, price] = [call.query.get('status'), call.query.get('price')];
  const isAsked = (subscription: Subscription) => {
    if (price !== null && subscription.items.every(({ priceId }) => priceId !== price)) return false;
    if (status === null) return subscription.status !== 'canceled';
    return status === 'all' || (status === 'ended' ? ends.includes(subscription.status) : subscription.status === status);
  };
  const asked = [...call.state.subscriptions.values()].filter(isAsked).reverse();
  return answerList(call, kind, asked.map((subscription) => shown(call.state, kind, subscription)));
}

function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const customer = named(state, customerKind, requiredText(params, 'customer'), 'customer');
  const lineItems = (partsOf(params, 'items') ?? []).map((item) => ({ priceId: priceOf(step, item), quantity: integerOf(item, 'quantity') ?? 1 }));
  if (lineItems.length === 0) throw badParameter('items', 'Missing required param: items.');
  const trialDays = trialDaysIn(params, step.at);
  const collection = textOf(params, 'collection_method') === 'send_invoice' ? 'send_invoice' : 'charge_automatically';
  const paymentMethodId = methodIn(state, params, customer);
  const outcome = outcomeOf(behaviorOf(state, paymentMethodId));
  if (paymentMethodId === null && trialDays === 0 && collection === 'charge_automatically') throw noPaymentMethod();
  if (outcome === 'failed' && textOf(params, 'payment_behavior') === 'error_if_incomplete') throw cardDeclined();
  const subscription = createSubscription(step, customer, { lineItems, trialDays, collection, paymentMethodId, outcome });
  tell(state, subscription.id, params);
  if (params['trial_settings'] !== undefined) state.told.set(subscription.id, { ...state.told.get(subscription.id), trial_settings: params['trial_settings'] });
  if (subscription.trial !== null && subscription.trial.end - step.at <= TRIAL_NOTICE_S) emit(step, 'customer.subscription.trial_will_end', renderSubscription(state, subscription));
  return shown(state, kind, subscription);
}

function trialDaysIn(params: Params, at: number): number {
  const end = integerOf(params, 'trial_end');
  return end === undefined ? (integerOf(params, 'trial_period_days') ?? 0) : (end - at) / DAY_S;
}

function methodIn(state: State, params: Params, customer: Customer): string | null {
  const given = textOf(params, 'default_payment_method');
  return given == null ? defaultMethodOf(state, customer.id) : paymentMethodOf(state, given).id;
}

function noPaymentMethod(): ApiError {
  const message = 'This customer has no attached payment source or default payment method. Please consider adding a default payment method.';
  return new ApiError(400, { code: 'resource_missing', message, type: 'invalid_request_error' });
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const subscription = living(find(call, kind));
  const step = requestedStep(state);
  const method = textOf(params, 'default_payment_method');
  if (method != null) updateSubscription(step, subscription, { paymentMethodId: paymentMethodOf(state, method).id });
  const items = partsOf(params, 'items');
  if (items) moveItems(step, subscription, items, params);
  changeEnd(step, subscription, params);
  if (params['pause_collection'] !== undefined) updateSubscription(step, subscription, { pauseCollection: pauseIn(params) });
  if (textOf(params, 'trial_end') === 'now' && subscription.status === 'trialing') cutTrialShort(step, subscription);
  if (isToldOf(params)) update(step, { type: 'customer.subscription.updated', id: subscription.id, render: () => renderSubscription(state, subscription), params });
  return shown(state, kind, subscription);
}

/** Stripe knows a subscription that has ended no more when it is to be changed. */
function living(subscription: Subscription): Subscription {
  if (ends.includes(subscription.status)) throw noSuch('subscription', subscription.id);
  return subscription;
}

const prorations = { always_invoice: 'now', create_prorations: 'later', none: 'none' } as const;

/** Changes items as Stripe's parameters say: `items[0][id]=…`, with no id for a new one. */
export function moveItems(step: Step, subscription: Subscription, items: Params[], params: Params): void {
  const [, prorate] = Object.entries(prorations).find(([name]) => name === textOf(params, 'proration_behavior')) ?? [];
  const outcome = outcomeOf(behaviorOf(step.state, subscription.paymentMethodId));
  const terms = { prorate: prorate ?? 'later', outcome, ifPaid: textOf(params, 'payment_behavior') === 'pending_if_incomplete' };
  changeItems(step, subscription, items.map((item) => itemChange(step, subscription, item)), terms);
}

function itemChange(step: Step, { items }: Subscription, item: Params): ItemChange {
  const [id, quantity] = [textOf(item, 'id'), integerOf(item, 'quantity')];
  if (id != null && items.every((other) => other.id !== id)) throw noSuch('subscription_item', id, 'items', 400);
  const priced = id == null || ['price', 'plan', 'price_data'].some((name) => item[name] !== undefined);
  return {
    ...(id != null && { id }),
    ...(priced && flagOf(item, 'deleted') !== true && { priceId: priceOf(step, item) }),
    ...(quantity !== undefined && { quantity }),
    ...(flagOf(item, 'deleted') === true && { remove: true }),
  };
}

function changeEnd(step: Step, subscription: Subscription, params: Params): void {
  const [atPeriodEnd, at] = [flagOf(params, 'cancel_at_period_end'), textOf(params, 'cancel_at')];
  if (at != null) rescheduleCancel(step, subscription, new Date(Number(at) * 1000));
  else if (atPeriodEnd === true) rescheduleCancel(step, subscription, 'period_end');
  else if (at === null || (atPeriodEnd === false && subscription.cancelAtPeriodEnd)) rescheduleCancel(step, subscription, null);
}

function pauseIn(params: Params): Subscription['pauseCollection'] {
  const behavior = textOf(partOf(params, 'pause_collection'), 'behavior');
  if (behavior === 'void' || behavior === 'keep_as_draft' || behavior === 'mark_uncollectible') return behavior;
  if (params['pause_collection'] === '') return null;
  throw badParameter('pause_collection[behavior]', 'Invalid behavior: must be one of keep_as_draft, mark_uncollectible, or void.');
}

/** With nothing to pay with, a trial ends as its settings say. */
function cutTrialShort(step: Step, subscription: Subscription): void {
  const { state } = step;
  const method = subscription.paymentMethodId ?? defaultMethodOf(state, subscription.customerId);
  const settings = partOf(partOf(state.told.get(subscription.id) ?? {}, 'trial_settings'), 'end_behavior');
  const missing = method === null ? textOf(settings, 'missing_payment_method') : null;
  if (missing === 'pause') pauseSubscription(step, subscription);
  else if (missing === 'cancel') cancelNow(step, subscription);
  else endTrial(step, subscription, method === null ? 'failed' : outcomeOf(behaviorOf(state, method)));
}

function cancel(call: Call): StripeObject {
  const subscription = living(find(call, kind));
  cancelNow(requestedStep(call.state), subscription);
  return shown(call.state, kind, subscription);
}

function resume(call: Call): StripeObject {
  const subscription = find(call, kind);
  if (subscription.status !== 'paused') throw badParameter('subscription', `Subscription ${subscription.id} is not paused.`);
  resumeSubscription(requestedStep(call.state), subscription);
  return shown(call.state, kind, subscription);
}
