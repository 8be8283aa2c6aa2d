import { LockMode } from '@mikro-orm/core';
import { Policy, Product } from '../database/catalog-rows.ts';
import { License } from '../database/license-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, refuse, type Result } from '../errors.ts';

/** Deletes a product that nothing uses. Whoever makes it a policy locks its row first: one of the two sees the other. */
export async function deleteProduct(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const product = await tx.findOne(Product, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (product === null) return notFound();
    const using = { scopeId: scope.id, productId: product.id, deletedAt: null };
    const [policies, licenses] = [await tx.count(Policy, using), await tx.count(License, using)];
    if (policies + licenses > 0) {
      return refuse('CONFLICT', `The product is in use, by ${policies} policies and ${licenses} licenses. Delete those first.`, { policies, licenses });
    }
    Object.assign(product, { deletedAt: now, updatedAt: now });
    return ok(null);
  });
}
