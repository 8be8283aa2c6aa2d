import { z } from 'zod';
import { LicenseEntitlement, type LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { refuseField, type Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import type { Licensing } from './licensing.ts';
import { allEntitlementsExist, type LicenseDetails } from './store.ts';

export const entitlementIdsRequest = z.strictObject({ entitlementIds: z.array(z.uuid()).min(1).max(100) });

/**
 * Grants a license entitlements besides those of its policy, or takes back what the vendor granted. What is granted already,
 * or was never, changes nothing; what billing or the policy grants stays.
 */
export async function grantEntitlements(
  licensing: Licensing,
  { scope, id }: { scope: Scope; id: string },
  { entitlementIds, granted }: { entitlementIds: string[]; granted: boolean },
  now: Date,
): Promise<Result<LicenseDetails>> {
  return changeLicense(licensing, { scope, id }, async (tx, license) => {
    if (!(await allEntitlementsExist(tx, scope, entitlementIds))) return refuseField('entitlementIds', 'Not every id is an entitlement.', 'unknown_id');
    const changed = await setGrants(tx, license, entitlementIds, granted);
    return { ok: true, event: changed ? 'license.updated' : null };
  }, now);
}

async function setGrants(tx: Transaction, license: LicenseRow, entitlementIds: string[], granted: boolean): Promise<boolean> {
  const grant = { scopeId: license.scopeId, licenseId: license.id, grantedBy: 'vendor' } as const;
  const held = await tx.find(LicenseEntitlement, { ...grant, entitlementId: { $in: entitlementIds } });
  const missing = new Set(entitlementIds).difference(new Set(held.map(({ entitlementId }) => entitlementId)));
  if (granted) for (const entitlementId of missing) tx.persist(tx.create(LicenseEntitlement, { ...grant, entitlementId }));
  else for (const row of held) tx.remove(row);
  return granted ? missing.size > 0 : held.length > 0;
}
