import type { Scope } from '../database/scope.ts';
import type { Licensing } from '../licensing/licensing.ts';
import type { AppliedPurchase } from './apply-purchase.ts';
import { applySightings } from './apply-sightings.ts';
import type { Sighting } from './core/sighting.ts';
import { lockFacts } from './lock-facts.ts';

/**
 * Projects a purchase again from what is stored and what was just fetched. Tells what it and whatever else the fetched facts
 * bear on came to, with the messages then owed, for the edge to enqueue after the commit.
 */
export async function resyncPurchase(licensing: Licensing, { scope, purchaseId }: { scope: Scope; purchaseId: string }, fetched: Sighting[], now: Date): Promise<AppliedPurchase[]> {
  const facts = fetched.map(({ fact }) => fact);
  return lockFacts(licensing.database, { scope, facts, ids: [purchaseId] }, (tx) =>
    applySightings(tx, licensing, { scope, sightings: fetched, purchaseIds: [purchaseId] }, now),
  );
}
