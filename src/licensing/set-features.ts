import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { LicenseRow } from '../database/license-rows.ts';
import { query, type Transaction } from '../database/orm.ts';
import { ok, refuseField, type Result } from '../errors.ts';
import { type Features, splitFeatures, withFlags } from './core/features.ts';
import { metadata as anyMetadata } from './core/metadata.ts';
import { entitlementsFor } from './entitlements-for.ts';

/**
 * Makes what the vendor lets a license do exactly `features`, in the caller's transaction, which holds the license: entitlements that there are not yet are
 * made, grants of the vendor's that are not among them are taken back. What its policy or billing grants stays, and is not granted
 * a second time. Says whether anything is other than before.
 */
export async function setFeatures(tx: Transaction, license: LicenseRow, features: Features, now: Date): Promise<Result<boolean>> {
  const { codes, flags } = splitFeatures(features, license.metadata);
  const metadata = withFlags(license.metadata, flags);
  const { error } = anyMetadata.safeParse(metadata);
  if (error) return refuseField('features', `With the license’s metadata they are too large: ${error.issues[0]?.message ?? ''}.`, 'too_big');
  await tx.flush();
  const regranted = await replaceGrants(tx, license, { codes, features }, now);
  const reflagged = !isDeepStrictEqual(metadata, license.metadata);
  if (reflagged) license.metadata = metadata;
  return ok(regranted || reflagged);
}

async function replaceGrants(tx: Transaction, license: LicenseRow, { codes, features }: { codes: string[]; features: Features }, now: Date): Promise<boolean> {
  const { scopeId, id: licenseId } = license;
  const granted = await grantsOf(tx, license);
  const lost = granted.filter(({ byVendor, code }) => byVendor && features[code] !== true).map(({ id }) => id);
  const missing = codes.filter((code) => granted.every((one) => one.code !== code));
  const gained = await entitlementsFor(tx, { id: scopeId }, missing, now);
  await query(tx, sql`
    delete from license_entitlements where scope_id = ${scopeId} and license_id = ${licenseId} and granted_by = 'vendor' and entitlement_id = any(${lost}::uuid[])`);
  await query(tx, sql`
    insert into license_entitlements (scope_id, license_id, entitlement_id, granted_by) select ${scopeId}, ${licenseId}, id, 'vendor' from unnest(${gained}::uuid[]) as new (id)`);
  return lost.length + gained.length > 0;
}

/** What a license is granted, by whomever, and whether its vendor granted it to it alone. */
function grantsOf(tx: Transaction, { scopeId, id, policyId }: LicenseRow): Promise<{ id: string; code: string; byVendor: boolean }[]> {
  return query(tx, sql<{ id: string; code: string; byVendor: boolean }>`
    select e.id, e.code, bool_or(g.granted_by = 'vendor') as "byVendor" from (
      select entitlement_id, granted_by from license_entitlements where scope_id = ${scopeId} and license_id = ${id}
      union all select entitlement_id, 'policy' from policy_entitlements where scope_id = ${scopeId} and policy_id = ${policyId}
    ) g join entitlements e on e.id = g.entitlement_id and e.deleted_at is null group by e.id, e.code`);
}
