import { type PolicyRow, PolicyEntitlement } from '../database/catalog-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { refuseField, type Result } from '../errors.ts';
import { changePolicy } from './change-policy.ts';
import type { PolicyDetails } from './read-policies.ts';
import { allEntitlementsExist } from './store.ts';

/**
 * Grants every license of a policy entitlements, or takes them back, at once. What is granted already, or was never, changes
 * nothing; what a license was granted by itself stays.
 */
export async function grantPolicyEntitlements(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  { entitlementIds, granted }: { entitlementIds: string[]; granted: boolean },
  now: Date,
): Promise<Result<PolicyDetails>> {
  return changePolicy(database, { scope, id }, async (tx, policy) => {
    if (!(await allEntitlementsExist(tx, scope, entitlementIds))) return refuseField('entitlementIds', 'Not every id is an entitlement.', 'unknown_id');
    if (await setGrants(tx, policy, entitlementIds, granted)) policy.updatedAt = now;
    return null;
  });
}

async function setGrants(tx: Transaction, { scopeId, id: policyId }: PolicyRow, entitlementIds: string[], granted: boolean): Promise<boolean> {
  const held = await tx.find(PolicyEntitlement, { scopeId, policyId, entitlementId: { $in: entitlementIds } });
  const missing = new Set(entitlementIds).difference(new Set(held.map(({ entitlementId }) => entitlementId)));
  if (granted) for (const entitlementId of missing) tx.persist(tx.create(PolicyEntitlement, { scopeId, policyId, entitlementId }));
  else for (const row of held) tx.remove(row);
  return granted ? missing.size > 0 : held.length > 0;
}
