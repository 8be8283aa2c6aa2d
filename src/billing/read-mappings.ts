import { StripeMapping, type StripeMappingRow } from '../database/catalog-rows.ts';
import type { Database } from '../database/orm.ts';
import { type Page, type PageRequest, readPage } from '../database/page.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { findMappingRow } from './store.ts';

/** A page of mappings. Null: the cursor is of another list. */
export async function listMappings(database: Database, scope: Scope, page: PageRequest): Promise<Page<StripeMappingRow> | null> {
  return readPage(database.em.fork(), StripeMapping, { scopeId: scope.id, deletedAt: null }, page);
}

export async function readMapping(database: Database, scope: Scope, id: string): Promise<Result<StripeMappingRow>> {
  const mapping = await findMappingRow(database.em.fork(), scope, id);
  return mapping ? ok(mapping) : notFound();
}
