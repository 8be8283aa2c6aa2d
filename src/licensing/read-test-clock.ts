import { TestClock } from '../database/account-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import { timeOf } from '../database/scope-time.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, type Refused, type Result } from '../errors.ts';

/** The time by which a test scope is judged. `active`: a rehearsal is ahead of real time. */
export type TestTime = { now: Date; active: boolean };

export async function readTestClock(database: Database, scope: Scope, realNow: Date): Promise<Result<TestTime>> {
  if (scope.mode === 'live') return inTestModeOnly();
  const now = await timeOf(database, scope, realNow);
  return ok({ now, active: now > realNow });
}

export function inTestModeOnly(): Refused {
  return refuse('FORBIDDEN', 'The test clock is for test data: call with a test mode API key. Live data goes by real time only.');
}

/** Whether somebody is moving the clock, asked without a lock: a step under way holds one for as long as its batch takes. */
export async function isMoving(tx: Transaction, scope: Scope, realNow: Date): Promise<boolean> {
  return (await tx.count(TestClock, { scopeId: scope.id, movingUntil: { $gt: realNow } })) > 0;
}

export function beingMoved(): Refused {
  return refuse('CONFLICT', 'The test clock is being moved. Wait until that is done, and go on from there.');
}
