import { z } from 'zod';
import { Entitlement, type EntitlementRow } from '../database/catalog-rows.ts';
import { newId } from '../database/uuid.ts';
import { type Database, insertUnlessTaken, inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, type Result } from '../errors.ts';
import { entitlementCode } from './core/entitlement-code.ts';
import { metadata } from './core/metadata.ts';

/** What a vendor may say of an entitlement, on create and later. */
export const entitlementFields = z.strictObject({
  code: entitlementCode,
  name: z.string().min(1).max(255),
  metadata,
});

export const entitlementRequest = entitlementFields.extend({ metadata: entitlementFields.shape.metadata.default({}) });

/** A new entitlement: a feature that a license may carry. Its code is unique in the scope. */
export async function createEntitlement(database: Database, scope: Scope, request: z.output<typeof entitlementRequest>, now: Date): Promise<Result<EntitlementRow>> {
  return inTransaction(database, async (tx) => {
    const entitlement = tx.create(Entitlement, { ...request, id: newId(), scopeId: scope.id, createdAt: now, updatedAt: now, deletedAt: null });
    return (await insertUnlessTaken(tx, entitlement)) ? ok(entitlement) : entitlementTaken(request.code);
  });
}

export function entitlementTaken(code: string) {
  return refuse('CONFLICT', `An entitlement with the code ${code} exists already.`);
}
