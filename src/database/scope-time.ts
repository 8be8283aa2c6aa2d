import { TestClock } from './account-rows.ts';
import { type Database, reading } from './orm.ts';
import type { Scope } from './scope.ts';

/**
 * The time by which a scope is judged: that of its rehearsal while one is ahead of real time, else `realNow`. Live scopes have no rehearsal. It is
 * read each time: once a clock was moved, every process goes by it.
 */
export async function timeOf(database: Database, { id, mode }: Pick<Scope, 'id' | 'mode'>, realNow: Date): Promise<Date> {
  if (mode === 'live') return realNow;
  const rehearsal = await reading(database).findOne(TestClock, { scopeId: id });
  return rehearsal !== null && rehearsal.now > realNow ? rehearsal.now : realNow;
}
