import { LockMode } from '@mikro-orm/core';
import { Policy } from '../database/catalog-rows.ts';
import type { Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { allEntitlementsExist } from './store.ts';

/** The first field that names something the scope does not have, or null: then the policy is locked against its deletion. */
export async function checkReferences(
  tx: Transaction,
  scope: Scope,
  { policyId, entitlementIds }: { policyId: string; entitlementIds: string[] },
): Promise<{ field: 'policyId' | 'entitlementIds'; message: string } | null> {
  if (!(await tx.findOne(Policy, liveRow(scope, policyId), { lockMode: LockMode.PESSIMISTIC_READ }))) return { field: 'policyId', message: 'No policy has this id.' };
  if (!(await allEntitlementsExist(tx, scope, entitlementIds))) return { field: 'entitlementIds', message: 'Not every id is an entitlement.' };
  return null;
}
