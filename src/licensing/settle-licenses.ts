import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { License } from '../database/license-rows.ts';
import { inTransaction, query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { nextDue } from '../database/scope-time.ts';
import type { Licensing } from './licensing.ts';
import { tellLife } from './tell-life.ts';

/** Licenses settled in one transaction. */
const BATCH = 200;

type Settled = { count: number; messageIds: string[] };

/**
 * What time does to licenses: grace that has run out suspends, an end that has passed expires or revokes, and an end that is near is told. Each row names
 * the moment at which it must be looked at (`due_at`, written with every change), so that a run costs what is due, not what exists.
 */
export const licensesDue = {
  name: 'licenses',
  next: (tx: Transaction, scope: Scope) => nextDue(tx, 'licenses', scope),
  batch: settleLicenses,
};

/**
 * Settles a batch of what is due in a scope, and says how many licenses it was. Rows that somebody is changing are skipped, since the change settles
 * them; with `waits` they are waited for, so that none is left due once a batch is empty.
 */
async function settleLicenses(licensing: Licensing, { scope, waits }: { scope: Scope; waits: boolean }, now: Date): Promise<Settled> {
  return inTransaction(licensing.database, async (tx) => {
    const due = await dueLicenses(tx, { scope, waits }, now);
    // Whoever locks several and waits does so in the order of their ids.
    const licenses = await tx.find(License, { id: { $in: due }, dueAt: { $lte: now }, deletedAt: null }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE });
    const messageIds = await tellLife(tx, licensing, { scope, licenses, occasion: { by: 'time' } }, now);
    return { count: licenses.length, messageIds };
  });
}

/** The first that are due, units of one purchase together: they get one mail. Unless they will be waited for, they are locked here. */
async function dueLicenses(tx: Transaction, { scope, waits }: { scope: Scope; waits: boolean }, now: Date): Promise<string[]> {
  const rows = await query(tx, sql<{ id: string }>`
    select id from licenses where scope_id = ${scope.id} and due_at <= ${now} and deleted_at is null
    order by due_at, stripe_purchase_id, id limit ${BATCH} ${waits ? sql`` : sql`for update skip locked`}`);
  return rows.map(({ id }) => id);
}
