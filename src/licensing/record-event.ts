import { sql } from 'kysely';
import { query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import type { EventType } from './core/event.ts';

/** What happened, to which license if to one, and the resource as it was then. */
type NewEvent = { type: EventType; licenseId: string | null; data: object };

/** Tells what happened, in the transaction that made it so. Events of a license are numbered from 1, without gaps. */
export async function recordEvent(tx: Transaction, scope: Pick<Scope, 'id'>, event: NewEvent, now: Date): Promise<void> {
  const [sequence = null] = event.licenseId === null ? [] : await nextSequences(tx, [event.licenseId]);
  await insertEvents(tx, [{ ...event, scopeId: scope.id, sequence }], now);
}

/** As `recordEvent`, for many licenses with one event each. */
export async function recordEvents(tx: Transaction, events: (NewEvent & { scopeId: number; licenseId: string })[], now: Date): Promise<void> {
  const sequences = await nextSequences(tx, events.map(({ licenseId }) => licenseId));
  await insertEvents(tx, events.map((event, n) => ({ ...event, sequence: sequences[n] ?? null })), now);
}

/** The counts are taken from the licenses' rows, so that two at once get different numbers and a rollback leaves no gap. */
async function nextSequences(tx: Transaction, licenseIds: string[]): Promise<number[]> {
  const rows = await query(tx, sql<{ id: string; events_count: number }>`
    update licenses set events_count = events_count + 1 where id = any(${licenseIds}::uuid[]) returning id, events_count`);
  const counts = new Map(rows.map((row) => [row.id, row.events_count]));
  return licenseIds.map((id) => {
    const count = counts.get(id);
    if (count === undefined) throw new Error('an event of a license that does not exist');
    return count;
  });
}

async function insertEvents(tx: Transaction, events: (NewEvent & { scopeId: number; sequence: number | null })[], now: Date): Promise<void> {
  await query(tx, sql`
    insert into events (id, scope_id, type, license_id, sequence, data, created_at)
    select id, scope_id, type, license_id, sequence, data, ${now} from unnest(
      ${events.map(() => newId())}::uuid[], ${events.map(({ scopeId }) => scopeId)}::int[], ${events.map(({ type }) => type)}::text[],
      ${events.map(({ licenseId }) => licenseId)}::uuid[], ${events.map(({ sequence }) => sequence)}::int[], ${events.map(({ data }) => JSON.stringify(data))}::jsonb[]
    ) as e (id, scope_id, type, license_id, sequence, data)`);
}
