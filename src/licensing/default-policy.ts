import { sql } from 'kysely';
import { Policy, type PolicyRow } from '../database/catalog-rows.ts';
import { type Database, query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import { findOrCreatePolicy } from './find-or-create-policy.ts';

const NAME = 'default';

/** The policy of a license of which only the product is said: the one named `default`, else the product's oldest. A product without any gets one, by all the defaults. */
export async function defaultPolicy(database: Database, scope: Scope, productId: string, now: Date): Promise<Result<PolicyRow>> {
  const found = await findOrCreatePolicy(database, scope, { request: { productId, name: NAME }, find: (tx) => policyOfProduct(tx, scope, productId) }, now);
  return found.ok ? ok(found.value.policy) : found;
}

/** Locked against its deletion. */
async function policyOfProduct(tx: Transaction, scope: Scope, productId: string): Promise<PolicyRow | null> {
  const [found] = await query(tx, sql<{ id: string }>`
    select id from policies where scope_id = ${scope.id} and product_id = ${productId} and deleted_at is null order by (name = ${NAME}) desc, id limit 1 for share`);
  return found ? tx.findOne(Policy, { id: found.id }) : null;
}
