import { sql } from 'kysely';
import { type Database, inTransaction, query } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import { type DueWork, dueWorks, runDueInOrder } from './due-work.ts';
import type { Licensing } from './licensing.ts';
import { beingMoved, inTestModeOnly, isMoving } from './read-test-clock.ts';

/**
 * Ends a rehearsal: real time counts again. What was told of licenses and machines by the rehearsal's time is looked at again, at once, and they are
 * reminded of their ends anew. What the rehearsal stored for good (a revocation, a machine taken off) stays. Returns the messages owed.
 */
export async function endTestClock(licensing: Licensing, { scope, works = dueWorks }: { scope: Scope; works?: DueWork[] }, realNow: Date): Promise<Result<string[]>> {
  if (scope.mode === 'live') return inTestModeOnly();
  const ended = await removeClock(licensing.database, scope, realNow);
  if (!ended.ok) return ended;
  return ok(await runDueInOrder(licensing, { scope, works, from: realNow, to: realNow }, (_moment, batch) => batch()));
}

async function removeClock(database: Database, scope: Scope, realNow: Date): Promise<Result<null>> {
  return inTransaction<Result<null>>(database, async (tx) => {
    if (await isMoving(tx, scope, realNow)) return beingMoved();
    const ended = await query(tx, sql`delete from test_clocks where scope_id = ${scope.id} and (moving_until is null or moving_until <= ${realNow}) returning scope_id`);
    if (ended.length === 0) return (await isMoving(tx, scope, realNow)) ? beingMoved() : ok(null);
    await query(tx, sql`
      update licenses set told_at = null, due_at = ${realNow}, reminded_end = null, reminded_days = null
      where scope_id = ${scope.id} and deleted_at is null and (due_at is not null or told_status <> 'active' or told_grace or reminded_end is not null or told_at > ${realNow})`);
    await query(tx, sql`update machines set due_at = ${realNow} where scope_id = ${scope.id} and deleted_at is null and (due_at is not null or died_at is not null)`);
    return ok(null);
  });
}
