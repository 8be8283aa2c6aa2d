import { LockMode } from '@mikro-orm/core';
import { StripeMapping } from '../database/catalog-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

/** Deletes a mapping: it issues nothing new, and goes on serving the licenses it issued. Its price may be mapped again. */
export async function deleteMapping(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const mapping = await tx.findOne(StripeMapping, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (mapping === null) return notFound();
    Object.assign(mapping, { deletedAt: now, updatedAt: now });
    return ok(null);
  });
}
