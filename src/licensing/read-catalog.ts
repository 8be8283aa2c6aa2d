import { Entitlement, type EntitlementRow, Policy, type PolicyRow, Product, type ProductRow } from '../database/catalog-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses } from './store.ts';

/** Reading what a vendor sells: products, policies and entitlements. A null page is a cursor of another list. */

export type CountedProduct = ProductRow & { licensesCount: number };

export async function readProduct(database: Database, scope: Scope, id: string): Promise<Result<CountedProduct>> {
  const product = await reading(database).findOne(Product, liveRow(scope, id));
  const [counted] = product ? await withCounts(database, [product]) : [];
  return counted ? ok(counted) : notFound();
}

export async function listProducts(database: Database, scope: Scope, page: PageRequest): Promise<Page<CountedProduct> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(Product, liveRow(scope, id)),
    after: (last: ProductRow | null, limit: number) => tx.find(Product, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<ProductRow>(list, page);
  return found && { ...found, rows: await withCounts(database, found.rows) };
}

async function withCounts(database: Database, products: ProductRow[]): Promise<CountedProduct[]> {
  const counts = await countLicenses(reading(database), 'product_id', products.map(({ id }) => id));
  return products.map((product) => ({ ...product, licensesCount: counts.get(product.id) ?? 0 }));
}

export async function readPolicy(database: Database, scope: Scope, id: string): Promise<Result<PolicyRow>> {
  const policy = await reading(database).findOne(Policy, liveRow(scope, id));
  return policy ? ok(policy) : notFound();
}

export async function listPolicies(database: Database, scope: Scope, page: PageRequest): Promise<Page<PolicyRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(Policy, liveRow(scope, id)),
    after: (last: PolicyRow | null, limit: number) => tx.find(Policy, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<PolicyRow>(list, page);
}

export async function readEntitlement(database: Database, scope: Scope, id: string): Promise<Result<EntitlementRow>> {
  const entitlement = await reading(database).findOne(Entitlement, liveRow(scope, id));
  return entitlement ? ok(entitlement) : notFound();
}

export async function listEntitlements(database: Database, scope: Scope, page: PageRequest): Promise<Page<EntitlementRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(Entitlement, liveRow(scope, id)),
    after: (last: EntitlementRow | null, limit: number) => tx.find(Entitlement, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<EntitlementRow>(list, page);
}
