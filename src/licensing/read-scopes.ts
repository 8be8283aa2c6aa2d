import { ScopeRow } from '../database/account-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { isUuid } from '../database/uuid.ts';

/** The live and the test side of an account; none where there is no such account. */
export async function readScopes(database: Database, accountId: string): Promise<Scope[]> {
  if (!isUuid(accountId)) return [];
  const rows = await reading(database).find(ScopeRow, { accountId }, { orderBy: { mode: 'asc' } });
  return rows.map(({ id, mode }) => ({ id, accountId, mode }));
}
