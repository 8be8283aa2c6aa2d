import { previousAttributes } from './previous-attributes.ts';
import { renderSubscription } from './render-subscription.ts';
import { apiVersions } from './shape.ts';
import type { FakeEvent, State, StripeObject, Subscription } from './state.ts';

/**
 * A step of a story: what happens at Stripe at one moment, for one reason. Its events share their second and their
 * request, and each carries its object as it was just then.
 */
export type Step = { state: State; at: number; events: FakeEvent[]; request: FakeEvent['request'] };

/** Something somebody asked Stripe's API for. */
export function requestedStep(state: State): Step {
  const id = state.newId('request');
  return { ...timedStep(state), request: state.request ?? { id, idempotency_key: `key_${id}` } };
}

/** Something Stripe does by itself. */
export function timedStep(state: State): Step {
  return { state, at: Math.floor(state.now().getTime() / 1000), events: [], request: { id: null, idempotency_key: null } };
}

/** Emits an event that shows `object`, and what it was before where it is told. */
export function emit(step: Step, type: string, object: StripeObject, before?: StripeObject): void {
  emitShown(step, type, show(step.state, object), before && show(step.state, before));
}

/** A rendered object with what was told of it. */
export function show(state: State, object: StripeObject): StripeObject {
  return { ...object, ...state.told.get(object.id) };
}

/** The same for an object that is shown as it is: one of which something else is told now than before. */
export function emitShown(step: Step, type: string, object: StripeObject, before?: StripeObject): void {
  const { state, at, request } = step;
  const event: FakeEvent = {
    id: state.newId('event'),
    object: 'event',
    api_version: apiVersions[state.shape],
    created: at,
    data: { object: structuredClone(object), ...(before && { previous_attributes: previousAttributes(before, object) }) },
    livemode: state.livemode,
    pending_webhooks: 1,
    request: type.startsWith('checkout.session.') ? { id: null, idempotency_key: null } : request,
    type,
  };
  state.events.push(event);
  step.events.push(event);
  state.onEvent(event);
}

/** How a kind of object looks. */
type Render<Kept> = (state: State, record: Kept) => StripeObject;

/** Changes a record and emits events of these types, which show it; the first says what it was before. */
export function emitChange<Kept>(step: Step, [type, ...others]: [string, ...string[]], [record, render]: [Kept, Render<Kept>], changes: Partial<Kept>): void {
  const before = render(step.state, record);
  Object.assign(record as object, changes);
  emit(step, type, render(step.state, record), before);
  for (const other of others) emit(step, other, render(step.state, record));
}

/** Changes a subscription and emits `customer.subscription.updated`, which says what changed, and what else is told of it. */
export function updateSubscription(step: Step, subscription: Subscription, changes: Partial<Subscription>, ...others: string[]): void {
  emitChange(step, ['customer.subscription.updated', ...others], [subscription, renderSubscription], changes);
}
