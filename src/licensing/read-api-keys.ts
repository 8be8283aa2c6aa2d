import { ApiKey, type ApiKeyRow } from '../database/account-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';

export async function readApiKey(database: Database, scope: Scope, id: string): Promise<Result<ApiKeyRow>> {
  const key = await reading(database).findOne(ApiKey, liveRow(scope, id));
  return key ? ok(key) : notFound();
}

/** A page of API keys. Null: the cursor is of another list. */
export async function listApiKeys(database: Database, scope: Scope, page: PageRequest): Promise<Page<ApiKeyRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(ApiKey, rowOf(scope, id)),
    after: (last: ApiKeyRow | null, limit: number) => tx.find(ApiKey, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<ApiKeyRow>(list, page);
}
