import { sql } from 'kysely';
import { type Database, query, reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Status } from './core/status.ts';

/** How many licenses each mode has of each status, as it was told last: an index holds all that is asked for. */
export async function countLicenses(database: Database): Promise<{ mode: Scope['mode']; status: Status; count: number }[]> {
  return query(reading(database), sql<{ mode: Scope['mode']; status: Status; count: number }>`
    select scopes.mode, counted.status, sum(counted.count)::float8 as count
    from (select told_status as status, scope_id, count(*) from licenses where deleted_at is null group by told_status, scope_id) as counted
    join scopes on scopes.id = counted.scope_id group by scopes.mode, counted.status`);
}
