import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { TestClock } from './account-rows.ts';
import { type Database, query, reading, type Transaction } from './orm.ts';
import { dateOrNull } from './prepared.ts';
import type { Scope } from './scope.ts';

type Judged = Pick<Scope, 'id' | 'mode'>;

/**
 * The time by which a scope is judged: that of its rehearsal while one is ahead of real time, else `realNow`. Live scopes have no rehearsal. It is
 * read each time: once a clock was moved, every process goes by it.
 */
export async function timeOf(database: Database, scope: Judged, realNow: Date): Promise<Date> {
  return judgedTime(reading(database), scope, realNow);
}

/** That time, which nobody moves or ends until the caller's transaction is over. */
export async function holdTime(tx: Transaction, scope: Judged, realNow: Date): Promise<Date> {
  return judgedTime(tx, scope, realNow, LockMode.PESSIMISTIC_READ);
}

/** The same time, as it is in the caller's transaction. */
export async function judgedTime(tx: Transaction, { id, mode }: Judged, realNow: Date, lockMode = LockMode.NONE): Promise<Date> {
  if (mode === 'live') return realNow;
  const rehearsal = await tx.findOne(TestClock, { scopeId: id }, { lockMode });
  return rehearsal === null ? realNow : laterOf(rehearsal.now, realNow);
}

export function laterOf(one: Date, other: Date): Date {
  return one > other ? one : other;
}

/** Tables whose rows say when they are to be looked at, each with an index of scope and `due_at`. */
export type DueRows = 'licenses' | 'machines';

/** When the next such row of a scope is to be looked at; null while none is. */
export async function nextDue(tx: Transaction, rows: DueRows, { id }: Pick<Scope, 'id'>): Promise<Date | null> {
  const [first] = await query(tx, sql<{ due_at: string | null }>`
    select min(due_at) as due_at from ${sql.table(rows)} where scope_id = ${id} and due_at is not null and deleted_at is null`);
  return dateOrNull(first?.due_at ?? null);
}

/** The scopes that have such a row due by their own time. The index is asked once for each scope, however many rows there are. */
export async function scopesWithDue(database: Database, rows: DueRows, realNow: Date): Promise<Scope[]> {
  const scopes = await query(reading(database), sql<{ id: number; account_id: string; mode: Scope['mode'] }>`
    select s.id, s.account_id, s.mode from scopes s left join test_clocks t on t.scope_id = s.id and s.mode = 'test'
    where (select min(r.due_at) from ${sql.table(rows)} r where r.scope_id = s.id and r.due_at is not null and r.deleted_at is null) <= greatest(t.now, ${realNow})
    order by s.id`);
  return scopes.map(({ id, account_id: accountId, mode }) => ({ id, accountId, mode }));
}
