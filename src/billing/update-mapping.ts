import { LockMode } from '@mikro-orm/core';
import type { z } from 'zod';
import { StripeMapping, type StripeMappingRow } from '../database/catalog-rows.ts';
import { type Database, inTransaction, unlessTaken } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, refuse, refuseField, type Result } from '../errors.ts';
import { checkReferences } from '../licensing/check-references.ts';
import { writeChanges } from '../licensing/write-changes.ts';
import { mappingFields, namesOneTarget } from './core/mapping.ts';

export const mappingChange = mappingFields.partial();

/** Changes what the request names, for what is bought from now on: issued licenses keep their policy and entitlements. */
export async function updateMapping(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  request: z.output<typeof mappingChange>,
  now: Date,
): Promise<Result<StripeMappingRow>> {
  const updated = inTransaction(database, async (tx): Promise<Result<StripeMappingRow>> => {
    const mapping = await tx.findOne(StripeMapping, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (mapping === null) return notFound();
    if (!namesOneTarget({ ...mapping, ...request })) return refuseField('stripePriceId', 'Give exactly one of stripePriceId and stripeProductId; null takes one away.', 'custom');
    const unknown = await checkReferences(tx, scope, { policyId: request.policyId ?? mapping.policyId, entitlementIds: request.entitlementIds ?? [] });
    if (unknown) return refuseField(unknown.field, unknown.message, 'unknown_id');
    writeChanges(mapping, request, now);
    return ok(mapping);
  });
  return unlessTaken(updated, refuse('CONFLICT', `A mapping for ${request.stripePriceId ?? request.stripeProductId} exists already.`));
}
