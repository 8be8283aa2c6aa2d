import { LockMode } from '@mikro-orm/core';
import type { z } from 'zod';
import { Entitlement, type EntitlementRow } from '../database/catalog-rows.ts';
import { type Database, inTransaction, unlessTaken } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { entitlementFields, entitlementTaken } from './create-entitlement.ts';
import { writeChanges } from './write-changes.ts';

export const entitlementChange = entitlementFields.partial();

/** Changes what the request names. Licenses and policies that have it show another code at once. */
export async function updateEntitlement(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  request: z.output<typeof entitlementChange>,
  now: Date,
): Promise<Result<EntitlementRow>> {
  const updated = inTransaction(database, async (tx): Promise<Result<EntitlementRow>> => {
    const entitlement = await tx.findOne(Entitlement, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (entitlement === null) return notFound();
    writeChanges(entitlement, request, now);
    return ok(entitlement);
  });
  return unlessTaken(updated, entitlementTaken(request.code ?? ''));
}
