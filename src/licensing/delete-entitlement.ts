import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Entitlement } from '../database/catalog-rows.ts';
import { type Database, inTransaction, query } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

/**
 * Deletes an entitlement: licenses and policies that have it no longer show or count it, mappings no longer grant it. Its code may be
 * used again, by another entitlement that is granted to nobody yet.
 */
export async function deleteEntitlement(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const entitlement = await tx.findOne(Entitlement, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (entitlement === null) return notFound();
    Object.assign(entitlement, { deletedAt: now, updatedAt: now });
    await query(tx, sql`
      update stripe_mappings set entitlement_ids = array_remove(entitlement_ids, ${entitlement.id}::uuid)
      where scope_id = ${scope.id} and ${entitlement.id}::uuid = any(entitlement_ids)`);
    return ok(null);
  });
}
