import { LockMode } from '@mikro-orm/core';
import { Policy, Product } from '../database/catalog-rows.ts';
import { newId } from '../database/uuid.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { ok, refuseField, type Result } from '../errors.ts';
import { completePolicy, type PolicyRequest } from './core/policy.ts';
import type { PolicyDetails } from './read-policies.ts';

/**
 * A new policy for one of the scope's products, its silent fields filled in from the template and the defaults. The product is
 * locked against its deletion.
 */
export async function createPolicy(database: Database, scope: Scope, request: PolicyRequest, now: Date): Promise<Result<PolicyDetails>> {
  return inTransaction(database, async (tx) => {
    const product = await tx.findOne(Product, liveRow(scope, request.productId), { lockMode: LockMode.PESSIMISTIC_READ });
    if (!product) return refuseProduct();
    const fields = completePolicy(request);
    const policy = tx.create(Policy, {
      ...fields, productId: product.id, id: newId(), scopeId: scope.id,
      heartbeatRequiredSince: fields.requireHeartbeat ? now : null, createdAt: now, updatedAt: now, deletedAt: null,
    });
    await tx.persist(policy).flush();
    return ok({ ...policy, entitlements: [] });
  });
}

export function refuseProduct() {
  return refuseField('productId', 'No product has this id.', 'unknown_product');
}
