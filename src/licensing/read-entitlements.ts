import { Entitlement, type EntitlementRow } from '../database/catalog-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

export async function readEntitlement(database: Database, scope: Scope, id: string): Promise<Result<EntitlementRow>> {
  const entitlement = await reading(database).findOne(Entitlement, liveRow(scope, id));
  return entitlement ? ok(entitlement) : notFound();
}

/** A page of entitlements. Null: the cursor is of another list. */
export async function listEntitlements(database: Database, scope: Scope, page: PageRequest): Promise<Page<EntitlementRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(Entitlement, rowOf(scope, id)),
    after: (last: EntitlementRow | null, limit: number) => tx.find(Entitlement, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<EntitlementRow>(list, page);
}
