import { LockMode } from '@mikro-orm/core';
import { ApiKey, type ApiKeyRow } from '../database/account-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow } from '../database/scope.ts';
import { notFound, ok, type Refused, type Result } from '../errors.ts';
import { mayHandOut } from './core/permission.ts';
import { type KeyHolder, refuseMore } from './create-api-key.ts';

/** Changes one API key that allows no more than the caller's own, in a transaction that locks its row. */
export async function changeApiKey(
  database: Database,
  { scope, own, id }: KeyHolder & { id: string },
  change: (key: ApiKeyRow) => Refused | null,
): Promise<Result<ApiKeyRow>> {
  return inTransaction(database, async (tx) => {
    const key = await tx.findOne(ApiKey, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (key === null) return notFound();
    if (!mayHandOut(own, key.scopes)) return refuseMore();
    return change(key) ?? ok(key);
  });
}
