import { inTransaction, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { lockEvent, restampPurchase, stampEvent } from '../inbox.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type AppliedPurchase, applyPurchase } from './apply-purchase.ts';
import { idsOf, purchaseOf, type Sighting, type StripeFact } from './core/facts.ts';
import { finding, type Finding } from './core/outcome.ts';
import { readEvent } from './core/read-stripe.ts';
import { lockStripeIds, purchaseIdsOf, storeSighting } from './store.ts';

/** What the edge does after the commit: send these messages. */
export type AppliedEvent = { finding: Finding | null; messageIds: string[] };

/**
 * THE transaction for an event: lock it and every Stripe object it names, store the facts, project each purchase they
 * bear on, write licenses and messages, stamp the outcome. All of it is committed, or none. `fetched` is what Stripe's
 * API said of the event's objects before this began. An event that is done already changes nothing.
 */
export async function applyStripeEvent(
  licensing: Licensing,
  { scope, eventId }: { scope: Scope; eventId: string },
  fetched: Sighting[],
  now: Date,
): Promise<AppliedEvent> {
  return inTransaction(licensing.database, async (tx) => {
    const event = await lockEvent(tx, { scopeId: scope.id, id: eventId });
    if (event === null || event.processedAt !== null) return { finding: null, messageIds: [] };
    const read = readEvent(event.payload, scope.mode);
    if (!read.ok) {
      stampEvent(event, read.finding, null, now);
      return { finding: read.finding, messageIds: [] };
    }
    const { fact } = read.sighting;
    const applied = await applySightings(tx, licensing, { scope, sightings: [read.sighting, ...fetched] }, now);
    const own = findingFor(fact, applied);
    stampEvent(event, own, purchaseOf(fact), now);
    return { finding: own, messageIds: applied.flatMap(({ messageIds }) => messageIds) };
  });
}

async function applySightings(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { scope, sightings }: { scope: Scope; sightings: Sighting[] },
  now: Date,
): Promise<AppliedPurchase[]> {
  await lockStripeIds(tx, scope, sightings.flatMap(({ fact }) => idsOf(fact)));
  for (const sighting of sightings) await storeSighting(tx, scope, sighting);
  const applied: AppliedPurchase[] = [];
  for (const purchaseId of await purchaseIdsOf(tx, scope, sightings.map(({ fact }) => fact))) {
    const result = await applyPurchase(tx, licensing, { scope, purchaseId }, now);
    await restampPurchase(tx, scope, result);
    applied.push(result);
  }
  return applied;
}

/** What an event came to: its purchase's finding, unless it tells of a payment that came too late. */
function findingFor(fact: StripeFact, applied: AppliedPurchase[]): Finding {
  if (applied.some(({ paidAfterEnd }) => paidAfterEnd.includes(fact.id))) return finding('paid_after_end', fact.id);
  return applied.find(({ purchaseId }) => purchaseId === purchaseOf(fact))?.finding ?? finding('noted');
}
