import { Product, type ProductRow } from '../database/catalog-rows.ts';
import { type Database, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses } from './store.ts';

export type CountedProduct = ProductRow & { licensesCount: number };

export async function readProduct(database: Database, scope: Scope, id: string): Promise<Result<CountedProduct>> {
  const tx = reading(database);
  const product = await tx.findOne(Product, liveRow(scope, id));
  const [counted] = product ? await withLicenseCounts(tx, [product]) : [];
  return counted ? ok(counted) : notFound();
}

/** A page of products. Null: the cursor is of another list. */
export async function listProducts(database: Database, scope: Scope, page: PageRequest): Promise<Page<CountedProduct> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(Product, rowOf(scope, id)),
    after: (last: ProductRow | null, limit: number) => tx.find(Product, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<ProductRow>(list, page);
  return found && { ...found, rows: await withLicenseCounts(tx, found.rows) };
}

export async function withLicenseCounts(tx: Transaction, products: ProductRow[]): Promise<CountedProduct[]> {
  const counts = await countLicenses(tx, 'product_id', products.map(({ id }) => id));
  return products.map((product) => ({ ...product, licensesCount: counts.get(product.id) ?? 0 }));
}
