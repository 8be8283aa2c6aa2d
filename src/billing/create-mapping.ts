import { StripeMapping, type StripeMappingRow } from '../database/catalog-rows.ts';
import { newId } from '../database/uuid.ts';
import { type Database, inTransaction, insertUnlessTaken } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, refuseField, type Result } from '../errors.ts';
import { checkReferences } from '../licensing/check-references.ts';
import { completeMapping, type MappingRequest } from './core/mapping.ts';

/** A new mapping of a Stripe price or product to one of the scope's policies. One mapping a target. */
export async function createMapping(database: Database, scope: Scope, request: MappingRequest, now: Date): Promise<Result<StripeMappingRow>> {
  return inTransaction(database, async (tx) => {
    const fields = completeMapping(request);
    const unknown = await checkReferences(tx, scope, fields);
    if (unknown) return refuseField(unknown.field, unknown.message, 'unknown_id');
    const mapping = tx.create(StripeMapping, { ...fields, id: newId(), scopeId: scope.id, createdAt: now, updatedAt: now, deletedAt: null });
    if (await insertUnlessTaken(tx, mapping)) return ok(mapping);
    return refuse('CONFLICT', `A mapping for ${fields.stripePriceId ?? fields.stripeProductId} exists already.`);
  });
}
