import { sql } from 'kysely';
import { asOneTransaction, type Database, inTransaction, query, type Transaction } from '../database/orm.ts';
import { laterOf } from '../database/scope-time.ts';
import type { Scope } from '../database/scope.ts';
import { AppError, ok, refuse, refuseField, type Result } from '../errors.ts';
import { type DueWork, dueWorks, runDueInOrder } from './due-work.ts';
import type { Licensing } from './licensing.ts';
import { beingMoved, inTestModeOnly, isMoving } from './read-test-clock.ts';

/** One that makes no progress for so long has died, and another may go on from where the clock stands. */
const LEASE_MS = 10_000;
/** A time further ahead is a slip. */
const MOST_YEARS = 10;

/** The right to move a clock, which ends at `until` unless it is renewed. `at`: the time it stands at. */
type Lease = { at: Date; until: Date };

/**
 * Moves the time of a test scope forward to `to`, having run whatever falls due up to then in order, each at its own moment. Each step is one
 * transaction that moves the clock and does a batch: whoever is killed between two has left a clock that stands at a moment and what is due
 * by it, and a later move goes on from there. One at a time moves a clock. Returns the messages owed.
 */
export async function moveTestClock(
  licensing: Licensing,
  { scope, to, works = dueWorks }: { scope: Scope; to: Date; works?: DueWork[] },
  realNow: () => Date,
): Promise<Result<string[]>> {
  const { database } = licensing;
  const taken = await takeLease(database, { scope, to }, realNow());
  if (!taken.ok) return taken;
  let lease = taken.value;
  const step = async <T>(at: Date, work: () => Promise<T>) => {
    const next = { at, until: leaseEnd(realNow()) };
    const done = await asOneTransaction(database, async (tx) => {
      await renewLease(tx, scope, { from: lease, to: next });
      return work();
    });
    lease = next;
    return done;
  };
  try {
    const owed = await runDueInOrder(licensing, { scope, works, from: lease.at, to }, step);
    await step(to, async () => undefined);
    return ok(owed);
  } finally {
    await giveBack(database, scope, lease);
  }
}

async function takeLease(database: Database, { scope, to }: { scope: Scope; to: Date }, realNow: Date): Promise<Result<Lease>> {
  if (scope.mode === 'live') return inTestModeOnly();
  if (to > yearsAfter(realNow, MOST_YEARS)) return refuseField('now', `The test clock goes at most ${MOST_YEARS} years ahead of real time, which is ${realNow.toISOString()}.`, 'too_far');
  return inTransaction<Result<Lease>>(database, async (tx) => {
    if (await isMoving(tx, scope, realNow)) return beingMoved();
    const until = leaseEnd(realNow);
    const [row] = await query(tx, sql<{ now: string }>`
      insert into test_clocks (scope_id, now, moving_until) values (${scope.id}, ${realNow}, ${until})
      on conflict (scope_id) do update set moving_until = excluded.moving_until
        where test_clocks.moving_until is null or test_clocks.moving_until <= ${realNow}
      returning now`);
    if (row === undefined) return beingMoved();
    const stands = new Date(row.now);
    if (to < realNow) return refuse('CONFLICT', `The test clock never goes before real time: ${to.toISOString()} is before ${realNow.toISOString()}.`);
    if (to < stands) return refuse('CONFLICT', `The test clock only goes forward: it stands at ${stands.toISOString()}, which is after ${to.toISOString()}. End the rehearsal to begin again.`);
    return ok({ at: laterOf(stands, realNow), until });
  });
}

async function renewLease(tx: Transaction, scope: Scope, { from, to }: { from: Lease; to: Lease }): Promise<void> {
  const renewed = await query(tx, sql`
    update test_clocks set now = ${to.at}, moving_until = ${to.until} where scope_id = ${scope.id} and moving_until = ${from.until} returning scope_id`);
  if (renewed.length === 0) throw new AppError('CONFLICT', 409, 'Moving the test clock took too long without progress, and somebody else moves it now.');
}

async function giveBack(database: Database, scope: Scope, { until }: Lease): Promise<void> {
  await inTransaction(database, (tx) => query(tx, sql`update test_clocks set moving_until = null where scope_id = ${scope.id} and moving_until = ${until}`));
}

function leaseEnd(realNow: Date): Date {
  return new Date(realNow.getTime() + LEASE_MS);
}

function yearsAfter(date: Date, years: number): Date {
  const later = new Date(date);
  later.setUTCFullYear(later.getUTCFullYear() + years);
  return later;
}
