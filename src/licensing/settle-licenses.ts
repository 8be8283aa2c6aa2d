import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { License } from '../database/license-rows.ts';
import { inTransaction, query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { dateOrNull } from '../database/prepared.ts';
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
  next: async (tx: Transaction, { id }: Scope): Promise<Date | null> => {
    const [row] = await query(tx, sql<{ due_at: string | null }>`select min(due_at) as due_at from licenses where scope_id = ${id} and due_at is not null and deleted_at is null`);
    return dateOrNull(row?.due_at ?? null);
  },
  batch: settleLicenses,
};

/**
 * Settles a batch of what is due in a scope, and says how many licenses it was. Rows that somebody is changing are skipped, since the change settles
 * them; with `waits` they are waited for, so that none is left due once a batch is empty.
 */
async function settleLicenses(licensing: Licensing, { scope, waits }: { scope: Scope; waits: boolean }, now: Date): Promise<Settled> {
  return inTransaction(licensing.database, async (tx) => {
    const licenses = await tx.find(License, { scopeId: scope.id, dueAt: { $lte: now }, deletedAt: null }, {
      // Units of one purchase fall due together, and get one mail.
      orderBy: [{ dueAt: 'asc' }, { stripePurchaseId: 'asc' }, { id: 'asc' }],
      limit: BATCH,
      lockMode: waits ? LockMode.PESSIMISTIC_WRITE : LockMode.PESSIMISTIC_PARTIAL_WRITE,
    });
    const messageIds = await tellLife(tx, licensing, { scope, licenses, occasion: { by: 'time' } }, now);
    return { count: licenses.length, messageIds };
  });
}
