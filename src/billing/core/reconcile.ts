import type { StripeFact, SubscriptionFact } from './facts.ts';
import { canonical, hasEnded } from './last-truth.ts';
import { RECONCILED } from './read-stripe.ts';

/** What is stored of the purchase a listed subscription is: its fact, and whether anything at all is. */
export type Acquaintance = { fact: StripeFact | null; known: boolean };

/** Whether a subscription as Stripe lists it tells us anything. One that ended before we ever heard of it does not: nobody wants its key now. */
export function tellsNews(fact: SubscriptionFact, { fact: stored, known }: Acquaintance): boolean {
  if (!known && hasEnded(fact.status)) return false;
  return stored === null || canonical(stored) !== canonical(fact);
}

/** The event of our own by which a listed subscription goes the way of Stripe's events. `now`: when it was listed. */
export function reconciledEvent(subscription: { id: string }, mode: 'live' | 'test', now: Date): string {
  const created = Math.floor(now.getTime() / 1000);
  return JSON.stringify({
    id: `reconciled_${subscription.id}_${created}`, object: 'event', type: RECONCILED, livemode: mode === 'live', created, api_version: null,
    data: { object: subscription },
  });
}
