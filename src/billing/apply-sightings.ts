import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type AppliedPurchase, applyPurchase, type Manner } from './apply-purchase.ts';
import type { Sighting } from './core/sighting.ts';
import { restampPurchase } from './stamp-events.ts';
import { purchaseIdsOf, storeSighting } from './store.ts';

/**
 * Stores what was seen of Stripe's objects and applies every purchase it bears on, and `purchaseIds` whatever was seen, in the
 * caller's transaction, which holds the locks of `lockFacts`.
 */
export async function applySightings(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { scope, sightings, purchaseIds = [], ...manner }: Manner & { scope: Scope; sightings: Sighting[]; purchaseIds?: string[] },
  now: Date,
): Promise<AppliedPurchase[]> {
  for (const sighting of sightings) await storeSighting(tx, scope, sighting, now);
  const applied: AppliedPurchase[] = [];
  for (const id of new Set([...purchaseIds, ...(await purchaseIdsOf(tx, scope, sightings.map(({ fact }) => fact)))])) {
    const result = await applyPurchase(tx, licensing, { scope, purchaseId: id, ...manner }, now);
    await restampPurchase(tx, scope, result, now);
    applied.push(result);
  }
  return applied;
}
