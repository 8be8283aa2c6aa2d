import { asOneTransaction, type Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { type EventRef, objectsAwaited, receiveEvent } from '../inbox.ts';
import { reconciledEvent, tellsNews } from './core/reconcile.ts';
import { readEnvelope } from './core/envelope.ts';
import { createdAtOf, readSubscription } from './core/read-subscription.ts';
import { acquaintances, lockStripeIds } from './store.ts';

/**
 * Puts those of the listed subscriptions that differ from what is stored into the inbox, each as an event of our own, and returns
 * these. One of which nothing is known here and that was begun before `since` is left alone. One that cannot be read is left alone: Stripe's own event of it needs attention. So is one of which an event waits.
 */
export async function receiveSubscriptions(
  database: Database,
  { scope, subscriptions, since }: { scope: Scope; subscriptions: { id: string }[]; since: Date | null },
  now: Date,
): Promise<EventRef[]> {
  return asOneTransaction(database, async (tx) => {
    const ids = subscriptions.map(({ id }) => id);
    // Of two who reconcile at once the second sees what the first has put into the inbox.
    await lockStripeIds(tx, scope, ids);
    const acquainted = await acquaintances(tx, scope, ids);
    const awaited = await objectsAwaited(tx, scope, ids);
    const received: EventRef[] = [];
    for (const subscription of subscriptions) {
      const read = readSubscription(subscription);
      const stored = acquainted.get(subscription.id) ?? { fact: null, known: false };
      if (!read.ok || awaited.has(subscription.id) || !tellsNews(read.fact, stored)) continue;
      if (!stored.known && since !== null && createdAtOf(subscription) < since) continue;
      const payload = reconciledEvent(subscription, scope.mode, now);
      const envelope = readEnvelope(payload);
      if (envelope && (await receiveEvent(database, scope, { envelope, payload }, now)) === 'stored') received.push({ scopeId: scope.id, id: envelope.id });
    }
    return received;
  });
}
