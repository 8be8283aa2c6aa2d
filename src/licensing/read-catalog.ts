import type { EntityName } from '@mikro-orm/core';
import { Entitlement, type EntitlementRow, Policy, type PolicyRow, Product, type ProductRow } from '../database/catalog-rows.ts';
import type { Database } from '../database/orm.ts';
import { type Page, type PageRequest, readPage } from '../database/page.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses, findLive } from './store.ts';

/** Reading what a vendor sells: products, policies and entitlements. A null page is a cursor of another list. */

type Catalog = ProductRow | PolicyRow | EntitlementRow;

async function readOne<Row extends Catalog>(database: Database, entity: EntityName<Row>, scope: Scope, id: string): Promise<Result<Row>> {
  const row = await findLive(database.em.fork(), entity, scope, id);
  return row ? ok(row) : notFound();
}

async function list<Row extends Catalog>(database: Database, entity: EntityName<Row>, scope: Scope, page: PageRequest): Promise<Page<Row> | null> {
  return readPage(database.em.fork(), entity, { scopeId: scope.id, deletedAt: null } as never, page);
}

export type CountedProduct = ProductRow & { licensesCount: number };

export async function readProduct(database: Database, scope: Scope, id: string): Promise<Result<CountedProduct>> {
  const product = await readOne(database, Product, scope, id);
  if (!product.ok) return product;
  const [counted] = await withCounts(database, [product.value]);
  return counted ? ok(counted) : notFound();
}

export async function listProducts(database: Database, scope: Scope, page: PageRequest): Promise<Page<CountedProduct> | null> {
  const found = await list(database, Product, scope, page);
  return found && { ...found, rows: await withCounts(database, found.rows) };
}

async function withCounts(database: Database, products: ProductRow[]): Promise<CountedProduct[]> {
  const counts = await countLicenses(database.em.fork(), 'product_id', products.map(({ id }) => id));
  return products.map((product) => ({ ...product, licensesCount: counts.get(product.id) ?? 0 }));
}

export const readPolicy = (database: Database, scope: Scope, id: string): Promise<Result<PolicyRow>> => readOne(database, Policy, scope, id);

export const listPolicies = (database: Database, scope: Scope, page: PageRequest): Promise<Page<PolicyRow> | null> => list(database, Policy, scope, page);

export const readEntitlement = (database: Database, scope: Scope, id: string): Promise<Result<EntitlementRow>> => readOne(database, Entitlement, scope, id);

export const listEntitlements = (database: Database, scope: Scope, page: PageRequest): Promise<Page<EntitlementRow> | null> => list(database, Entitlement, scope, page);
