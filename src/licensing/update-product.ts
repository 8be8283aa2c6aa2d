import { LockMode } from '@mikro-orm/core';
import type { z } from 'zod';
import { Product } from '../database/catalog-rows.ts';
import { type Database, inTransaction, unlessTaken } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { codeTaken, productFields } from './create-product.ts';
import { type CountedProduct, withLicenseCounts } from './read-products.ts';
import { writeChanges } from './write-changes.ts';

export const productChange = productFields.partial();

/** Changes what the request names. Another `keyPrefix` counts for new keys; those that are out keep theirs. */
export async function updateProduct(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  request: z.output<typeof productChange>,
  now: Date,
): Promise<Result<CountedProduct>> {
  const updated = inTransaction(database, async (tx): Promise<Result<CountedProduct>> => {
    const product = await tx.findOne(Product, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (product === null) return notFound();
    writeChanges(product, request, now);
    await tx.flush();
    const [counted] = await withLicenseCounts(tx, [product]);
    return counted ? ok(counted) : notFound();
  });
  return unlessTaken(updated, codeTaken(request.code ?? ''));
}
