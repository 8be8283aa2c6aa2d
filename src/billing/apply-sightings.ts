import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { restampPurchase } from '../inbox.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type AppliedPurchase, applyPurchase } from './apply-purchase.ts';
import { idsOf, type Sighting } from './core/facts.ts';
import { lockStripeIds, purchaseIdsOf, storeSighting } from './store.ts';

/**
 * Stores what was seen of Stripe's objects and applies every purchase it bears on, and `purchaseId` whatever was seen, in the
 * caller's transaction, under the lock of every Stripe id that is named.
 */
export async function applySightings(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { scope, sightings, purchaseId }: { scope: Scope; sightings: Sighting[]; purchaseId?: string },
  now: Date,
): Promise<AppliedPurchase[]> {
  const named = purchaseId === undefined ? [] : [purchaseId];
  await lockStripeIds(tx, scope, [...named, ...sightings.flatMap(({ fact }) => idsOf(fact))]);
  for (const sighting of sightings) await storeSighting(tx, scope, sighting);
  const applied: AppliedPurchase[] = [];
  for (const id of new Set([...named, ...(await purchaseIdsOf(tx, scope, sightings.map(({ fact }) => fact)))])) {
    const result = await applyPurchase(tx, licensing, { scope, purchaseId: id }, now);
    await restampPurchase(tx, scope, result);
    applied.push(result);
  }
  return applied;
}
