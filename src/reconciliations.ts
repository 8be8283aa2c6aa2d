import { sql } from 'kysely';
import { StripeCursor } from './database/exchange-rows.ts';
import { type Database, query, reading } from './database/orm.ts';
import type { Scope } from './database/scope.ts';

/** When each scope was reconciled with Stripe, by whom it is being, and how far Stripe's events were gone through. */

export type ReconciliationKind = 'events' | 'subscriptions';

type Reconciliation = { scope: Scope; kind: ReconciliationKind };

/** One that makes no progress for so long has died, and another process may begin. */
const CLAIM_MS = 10 * 60_000;

/** Sees to it that a scope is reconciled: for one that never was, the time until it is due, and the time it looks back to, begin now. */
export async function expectReconciliation(database: Database, { scope, kind }: Reconciliation, now: Date): Promise<void> {
  await query(reading(database), sql`insert into stripe_reconciliations (scope_id, kind, begun_at, ran_at) values (${scope.id}, ${kind}, ${now}, ${now}) on conflict do nothing`);
}

/** Takes a reconciliation on, if the last one ran at `dueBefore` or earlier and nobody is at it; tells since when the scope is reconciled. */
export async function claimReconciliation(database: Database, { scope, kind }: Reconciliation, dueBefore: Date, now: Date): Promise<{ begunAt: Date } | null> {
  const [claimed] = await query(reading(database), sql<{ begun_at: string }>`
    update stripe_reconciliations set claimed_until = ${claimEnd(now)}
    where scope_id = ${scope.id} and kind = ${kind} and ran_at <= ${dueBefore} and (claimed_until is null or claimed_until <= ${now}) returning begun_at`);
  return claimed ? { begunAt: new Date(claimed.begun_at) } : null;
}

/** Says that a claimed reconciliation makes progress. */
export async function keepReconciliation(database: Database, { scope, kind }: Reconciliation, now: Date): Promise<void> {
  await query(reading(database), sql`update stripe_reconciliations set claimed_until = ${claimEnd(now)} where scope_id = ${scope.id} and kind = ${kind} and claimed_until is not null`);
}

/** Gives a reconciliation back: done as of `ranAt`, or undone (null) and due as it was. */
export async function endReconciliation(database: Database, { scope, kind }: Reconciliation, ranAt: Date | null): Promise<void> {
  await query(reading(database), sql`
    update stripe_reconciliations set claimed_until = null, ran_at = greatest(ran_at, ${ranAt}) where scope_id = ${scope.id} and kind = ${kind}`);
}

/** Nobody knows what a starting process missed: events are due. Where nobody went through them since `silentSince`, the subscriptions are as well. */
export async function dueAfterStart(database: Database, silentSince: Date, now: Date): Promise<void> {
  const tx = reading(database);
  await query(tx, sql`
    update stripe_reconciliations set ran_at = 'epoch' where kind = 'subscriptions'
    and scope_id in (select scope_id from stripe_reconciliations where kind = 'events' and ran_at < ${silentSince})`);
  await query(tx, sql`update stripe_reconciliations set ran_at = least(ran_at, ${silentSince}) where kind = 'events' and ran_at < ${now}`);
}

/** The event up to which Stripe's list of these types was gone through; null before the first time. */
export async function readCursor(database: Database, scope: Scope, types: readonly string[]): Promise<string | null> {
  const cursor = await reading(database).findOne(StripeCursor, { scopeId: scope.id, types: types.join(' ') });
  return cursor?.eventId ?? null;
}

export async function keepCursor(database: Database, { scope, types, eventId }: { scope: Scope; types: readonly string[]; eventId: string }): Promise<void> {
  await query(reading(database), sql`
    insert into stripe_cursors (scope_id, types, event_id) values (${scope.id}, ${types.join(' ')}, ${eventId})
    on conflict (scope_id, types) do update set event_id = excluded.event_id`);
}

function claimEnd(now: Date): Date {
  return new Date(now.getTime() + CLAIM_MS);
}
