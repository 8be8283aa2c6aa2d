import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Policy, type PolicyRow, Product } from '../database/catalog-rows.ts';
import { asOneTransaction, type Database, query, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import { createPolicy, refuseProduct } from './create-policy.ts';

const NAME = 'default';

/**
 * The policy of a license of which only the product is said: the one named `default`, else the product's oldest. A product without any gets one,
 * by all the defaults; two at once make one, because the second waits for the product and looks again.
 */
export async function defaultPolicy(database: Database, scope: Scope, productId: string, now: Date): Promise<Result<PolicyRow>> {
  return asOneTransaction(database, async (tx) => {
    const known = await policyOfProduct(tx, scope, productId);
    if (known) return ok(known);
    const product = await tx.findOne(Product, liveRow(scope, productId), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (product === null) return refuseProduct();
    const made = await policyOfProduct(tx, scope, productId);
    return made ? ok(made) : createPolicy(database, scope, { productId, name: NAME }, now);
  });
}

/** Locked against its deletion. */
async function policyOfProduct(tx: Transaction, scope: Scope, productId: string): Promise<PolicyRow | null> {
  const [found] = await query(tx, sql<{ id: string }>`
    select id from policies where scope_id = ${scope.id} and product_id = ${productId} and deleted_at is null order by (name = ${NAME}) desc, id limit 1 for share`);
  return found ? tx.findOne(Policy, { id: found.id }) : null;
}
