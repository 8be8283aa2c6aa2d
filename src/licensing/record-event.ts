import { sql } from 'kysely';
import { query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import type { EventType } from './core/event.ts';

type NewEvent = { type: EventType; licenseId: string | null; data: object };

/** Tells what happened, in the transaction that made it so. Events of a license are numbered from 1, without gaps. */
export async function recordEvent(tx: Transaction, scope: Pick<Scope, 'id'>, { type, licenseId, data }: NewEvent, now: Date): Promise<void> {
  const sequence = licenseId === null ? null : await nextSequence(tx, licenseId);
  await query(tx, sql`
    insert into events (id, scope_id, type, license_id, sequence, data, created_at)
    values (${newId()}, ${scope.id}, ${type}, ${licenseId}, ${sequence}, ${JSON.stringify(data)}::jsonb, ${now})`);
}

/** The count is taken from the license's row, so that two at once get different numbers and a rollback leaves no gap. */
async function nextSequence(tx: Transaction, licenseId: string): Promise<number> {
  const [counted] = await query(tx, sql<{ events_count: number }>`
    update licenses set events_count = events_count + 1 where id = ${licenseId} returning events_count`);
  if (!counted) throw new Error('an event of a license that does not exist');
  return counted.events_count;
}
