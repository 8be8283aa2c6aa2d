import { StripeMapping, type StripeMappingRow } from '../database/catalog-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

/** A page of mappings. Null: the cursor is of another list. */
export async function listMappings(database: Database, scope: Scope, page: PageRequest): Promise<Page<StripeMappingRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(StripeMapping, rowOf(scope, id)),
    after: (last: StripeMappingRow | null, limit: number) => tx.find(StripeMapping, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<StripeMappingRow>(list, page);
}

export async function readMapping(database: Database, scope: Scope, id: string): Promise<Result<StripeMappingRow>> {
  const mapping = await reading(database).findOne(StripeMapping, liveRow(scope, id));
  return mapping ? ok(mapping) : notFound();
}
