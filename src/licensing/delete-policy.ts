import { LockMode } from '@mikro-orm/core';
import { Policy, StripeMapping } from '../database/catalog-rows.ts';
import { License } from '../database/license-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, refuse, type Result } from '../errors.ts';

/** Deletes a policy that nothing uses. Whoever gives it a license or a mapping locks its row first: one of the two sees the other. */
export async function deletePolicy(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const policy = await tx.findOne(Policy, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (policy === null) return notFound();
    const using = { scopeId: scope.id, policyId: policy.id, deletedAt: null };
    const [licenses, mappings] = [await tx.count(License, using), await tx.count(StripeMapping, using)];
    if (licenses + mappings > 0) {
      return refuse('CONFLICT', `The policy is in use, by ${licenses} licenses and ${mappings} Stripe mappings. Delete those first, or give them another policy.`, { licenses, mappings });
    }
    Object.assign(policy, { deletedAt: now, updatedAt: now });
    return ok(null);
  });
}
