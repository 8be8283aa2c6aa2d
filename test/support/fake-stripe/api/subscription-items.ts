import { noSuch } from '../api-error.ts';
import { isRecord } from '../previous-attributes.ts';
import { renderSubscription } from '../render-subscription.ts';
import type { State, StripeObject, Subscription } from '../state.ts';
import { requestedStep } from '../step.ts';
import { type Params, requiredText } from './params.ts';
import { answerList, type Call, type Route } from './route.ts';
import { moveItems } from './subscriptions.ts';

const PATH = '/v1/subscription_items';

/** The items of a subscription, each by its own id: a change to one is a change to its subscription. */
export const subscriptionItemRoutes: Route[] = [
  { method: 'get', path: PATH, answer: list },
  { method: 'get', path: `${PATH}/:id`, answer: (call) => itemOf(call) },
  { method: 'post', path: PATH, answer: add },
  { method: 'post', path: `${PATH}/:id`, answer: change },
  { method: 'delete', path: `${PATH}/:id`, answer: remove },
];

function list(call: Call): object {
  const id = call.query.get('subscription') ?? '';
  const subscription = call.state.subscriptions.get(id);
  if (subscription === undefined) throw noSuch('subscription', id, 'subscription', 400);
  return answerList(call, { noun: 'subscription_item', filters: [] }, itemsOf(call.state, subscription));
}

function itemsOf(state: State, subscription: Subscription): StripeObject[] {
  const { items } = renderSubscription(state, subscription);
  return isRecord(items) && Array.isArray(items['data']) ? items['data'] : [];
}

function itemOf({ state, ids }: Call): StripeObject {
  const item = itemsOf(state, holderOf(state, ids['id'] ?? '')).find(({ id }) => id === ids['id']);
  return item ?? missing(ids['id'] ?? '');
}

function holderOf(state: State, id: string): Subscription {
  return [...state.subscriptions.values()].find(({ items }) => items.some((item) => item.id === id)) ?? missing(id);
}

function missing(id: string): never {
  throw noSuch('subscription_item', id, 'item');
}

function add({ state, params }: Call): StripeObject {
  const id = requiredText(params, 'subscription');
  const subscription = state.subscriptions.get(id);
  if (subscription === undefined) throw noSuch('subscription', id, 'subscription', 400);
  moveItems(requestedStep(state), subscription, [params], params);
  return itemsOf(state, subscription).at(-1) ?? missing(id);
}

function change(call: Call): StripeObject {
  move(call, call.params);
  return itemOf(call);
}

function remove(call: Call): StripeObject {
  move(call, { deleted: 'true' });
  return { id: call.ids['id'] ?? '', object: 'subscription_item', deleted: true };
}

function move({ state, params, ids }: Call, changes: Params): void {
  const id = ids['id'] ?? '';
  moveItems(requestedStep(state), holderOf(state, id), [{ ...changes, id }], params);
}
