import { LockMode } from '@mikro-orm/core';
import { type PolicyRow, Product } from '../database/catalog-rows.ts';
import { asOneTransaction, type Database, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import type { PolicyRequest } from './core/policy.ts';
import { createPolicy, refuseProduct } from './create-policy.ts';

type Sought = { request: PolicyRequest; find: (tx: Transaction) => Promise<PolicyRow | null> };

/** The policy that `find` finds, else one made by the request: two at once make one, because the second waits for the product and looks again. */
export async function findOrCreatePolicy(database: Database, scope: Scope, { request, find }: Sought, now: Date): Promise<Result<{ policy: PolicyRow; created: boolean }>> {
  return asOneTransaction(database, async (tx) => {
    const known = await find(tx);
    if (known) return ok({ policy: known, created: false });
    const product = await tx.findOne(Product, liveRow(scope, request.productId), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (product === null) return refuseProduct();
    const made = await find(tx);
    if (made) return ok({ policy: made, created: false });
    const created = await createPolicy(database, scope, request, now);
    return created.ok ? ok({ policy: created.value, created: true }) : created;
  });
}
