import { inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { applySightings } from './apply-sightings.ts';
import type { Sighting } from './core/facts.ts';

/**
 * Projects a purchase again from what is stored and what was just fetched. Returns the messages then owed, for the edge to
 * enqueue after the commit.
 */
export async function resyncPurchase(licensing: Licensing, { scope, purchaseId }: { scope: Scope; purchaseId: string }, fetched: Sighting[], now: Date): Promise<string[]> {
  const applied = await inTransaction(licensing.database, (tx) => applySightings(tx, licensing, { scope, sightings: fetched, purchaseId }, now));
  return applied.flatMap(({ messageIds }) => messageIds);
}
