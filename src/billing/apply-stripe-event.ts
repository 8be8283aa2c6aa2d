import { inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { lockEvent, stampEvent } from '../inbox.ts';
import type { Licensing } from '../licensing/licensing.ts';
import type { AppliedPurchase } from './apply-purchase.ts';
import { applySightings } from './apply-sightings.ts';
import { purchaseOf, type Sighting, type StripeFact } from './core/facts.ts';
import { finding, type Finding } from './core/outcome.ts';
import { readEvent } from './core/read-stripe.ts';

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

/** What an event came to: its purchase's finding, unless it tells of a payment that came too late. */
function findingFor(fact: StripeFact, applied: AppliedPurchase[]): Finding {
  if (applied.some(({ paidAfterEnd }) => paidAfterEnd.includes(fact.id))) return finding('paid_after_end', fact.id);
  return applied.find(({ purchaseId }) => purchaseId === purchaseOf(fact))?.finding ?? finding('noted');
}
