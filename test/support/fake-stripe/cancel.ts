import { type Subscription } from './state.ts';
import { type Step, updateSubscription } from './step.ts';
import { endSubscription } from './subscription.ts';

/** The subscription is told when to end, at a moment or with its period, or (`null`) not to end after all. It lives until then. */
export function rescheduleCancel(step: Step, subscription: Subscription, end: Date | 'period_end' | null): void {
  const cancelAt = end instanceof Date ? end.getTime() / 1000 : null;
  updateSubscription(step, living(subscription), { cancelAtPeriodEnd: end === 'period_end', cancelAt, canceledAt: end === null ? null : step.at });
}

/** The subscription ends now: at once, or because the end it was told has come. */
export function cancelNow(step: Step, subscription: Subscription): void {
  endSubscription(step, living(subscription));
}

function living(subscription: Subscription): Subscription {
  if (subscription.status === 'canceled') throw new Error(`${subscription.id} has ended already`);
  return subscription;
}
