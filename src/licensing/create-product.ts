import { z } from 'zod';
import { Product, type ProductRow } from '../database/catalog-rows.ts';
import { newId } from '../database/uuid.ts';
import { type Database, insertUnlessTaken, inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, type Result } from '../errors.ts';
import { metadata } from './core/metadata.ts';

/** What a vendor may say of a product, on create and later. */
export const productFields = z.strictObject({
  name: z.string().min(1).max(255),
  code: z.string().min(1).max(50).regex(/^[A-Za-z0-9_-]+$/, 'expected letters, digits, _ and - only'),
  description: z.string().max(1000).nullable(),
  keyPrefix: z.string().regex(/^[A-Z0-9]{2,10}$/, 'expected 2 to 10 of A-Z and 0-9'),
  metadata,
});

export const productRequest = productFields.extend({
  description: productFields.shape.description.default(null),
  keyPrefix: productFields.shape.keyPrefix.optional(),
  metadata: productFields.shape.metadata.default({}),
});

/** A new product. Its code is unique in the scope; its keys start with `keyPrefix`, by default made from the code. */
export async function createProduct(database: Database, scope: Scope, request: z.output<typeof productRequest>, now: Date): Promise<Result<ProductRow>> {
  return inTransaction(database, async (tx) => {
    const keyPrefix = request.keyPrefix ?? prefixOf(request.code);
    const product = tx.create(Product, { ...request, keyPrefix, id: newId(), scopeId: scope.id, createdAt: now, updatedAt: now, deletedAt: null });
    return (await insertUnlessTaken(tx, product)) ? ok(product) : codeTaken(request.code);
  });
}

export function codeTaken(code: string) {
  return refuse('CONFLICT', `A product with the code ${code} exists already.`);
}

function prefixOf(code: string): string {
  const letters = code.toUpperCase().replace(/[^A-Z0-9]/g, '').slice(0, 10);
  return letters.length < 2 ? 'LIC' : letters;
}
