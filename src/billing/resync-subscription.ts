import { reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { type LicenseDetails, licensesOfPurchases } from '../licensing/read-licenses.ts';
import { finding, type Finding } from './core/outcome.ts';
import type { Sighting } from './core/sighting.ts';
import { resyncPurchase } from './resync-purchase.ts';
import { isKnownSubscription } from './store.ts';

/** A subscription as Stripe showed it, with what is wrong where it could not be read. Null: Stripe was not asked, or has no such subscription. */
type FetchedSubscription = { sightings: Sighting[]; unread: Finding | null } | null;

export type ResyncedSubscription = { finding: Finding; licenses: LicenseDetails[]; messageIds: string[] };

/** Makes the licenses of a subscription what it says now, and issues those that are due. */
export async function resyncSubscription(
  licensing: Licensing,
  { scope, id }: { scope: Scope; id: string },
  fetched: FetchedSubscription,
  now: Date,
): Promise<Result<ResyncedSubscription>> {
  if (fetched === null && !(await isKnownSubscription(reading(licensing.database), scope, id))) return notFound();
  const applied = await resyncPurchase(licensing, { scope, purchaseId: id }, fetched?.sightings ?? [], now);
  const own = applied.find(({ purchaseId }) => purchaseId === id);
  return ok({
    finding: fetched?.unread ?? own?.finding ?? finding('nothing_due'),
    licenses: await licensesOfPurchases(reading(licensing.database), scope, { purchaseIds: [id] }),
    messageIds: applied.flatMap(({ messageIds }) => messageIds),
  });
}
