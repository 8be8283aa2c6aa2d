import { renderSubscription } from './render-subscription.ts';
import { type FakeEvent, recordOf, type State, type Subscription } from './state.ts';
import { emit, requestedStep, updateSubscription } from './step.ts';

/** The subscription is told to end with its period. It lives until then. */
export function scheduleCancel(state: State, subscriptionId: string): FakeEvent[] {
  const subscription = livingOf(state, subscriptionId);
  const step = requestedStep(state);
  updateSubscription(step, subscription, { cancelAtPeriodEnd: true, canceledAt: step.at });
  return step.events;
}

/** The subscription ends now: at once, or because the end it was told has come. */
export function cancelNow(state: State, subscriptionId: string): FakeEvent[] {
  const subscription = livingOf(state, subscriptionId);
  const step = requestedStep(state);
  const canceledAt = subscription.canceledAt ?? step.at;
  Object.assign(subscription, { status: 'canceled', endedAt: step.at, canceledAt } satisfies Partial<Subscription>);
  emit(step, 'customer.subscription.deleted', renderSubscription(state, subscription));
  return step.events;
}

function livingOf(state: State, subscriptionId: string): Subscription {
  const subscription = recordOf(state.subscriptions, subscriptionId);
  if (subscription.status === 'canceled') throw new Error(`${subscriptionId} has ended already`);
  return subscription;
}
