import { sql } from 'kysely';
import { query, type Transaction } from '../database/orm.ts';
import { newId } from '../database/uuid.ts';
import { oweDeliveries } from '../deliveries.ts';
import type { EventType } from './core/event.ts';

/** What happened, to which license if to one, and the resource as it was then; `at` is when, where that is not now. */
export type NewEvent = { scopeId: number; type: EventType; licenseId: string | null; data: object; at?: Date };

/**
 * Tells what happened, in this order, in the transaction that made it so. Events of a license are numbered from 1, without gaps: the counts are
 * taken from the licenses' rows, so that two at once get different numbers and a rollback leaves no gap. The endpoints that listen are owed each of
 * them in the same commit.
 */
export async function recordEvents(tx: Transaction, events: NewEvent[], now: Date): Promise<void> {
  if (events.length === 0) return;
  const next = await takeSequences(tx, events);
  const numbered = events.map((event) => ({ ...event, id: newId(), sequence: event.licenseId === null ? null : next(event.licenseId) }));
  await query(tx, sql`
    insert into events (id, scope_id, type, license_id, sequence, data, created_at)
    select id, scope_id, type, license_id, sequence, data, created_at from unnest(
      ${numbered.map(({ id }) => id)}::uuid[], ${numbered.map(({ scopeId }) => scopeId)}::int[], ${numbered.map(({ type }) => type)}::text[],
      ${numbered.map(({ licenseId }) => licenseId)}::uuid[], ${numbered.map(({ sequence }) => sequence)}::int[], ${numbered.map(({ data }) => JSON.stringify(data))}::jsonb[],
      ${numbered.map(({ at }) => (at ?? now).toISOString())}::timestamptz[]
    ) as e (id, scope_id, type, license_id, sequence, data, created_at)`);
  await oweDeliveries(tx, numbered, now);
}

/** Takes as many numbers of each license as it has events; gives them out in order. */
async function takeSequences(tx: Transaction, events: NewEvent[]): Promise<(licenseId: string) => number> {
  const counts = new Map<string, number>();
  for (const { licenseId } of events) if (licenseId !== null) counts.set(licenseId, (counts.get(licenseId) ?? 0) + 1);
  const taken = counts.size === 0 ? [] : await query(tx, sql<{ id: string; last: number }>`
    update licenses set events_count = events_count + told.count
    from unnest(${[...counts.keys()]}::uuid[], ${[...counts.values()]}::int[]) as told (id, count)
    where licenses.id = told.id returning licenses.id, events_count as last`);
  const last = new Map(taken.map((row) => [row.id, row.last - (counts.get(row.id) ?? 0)]));
  return (licenseId) => {
    const before = last.get(licenseId);
    if (before === undefined) throw new Error('an event of a license that does not exist');
    last.set(licenseId, before + 1);
    return before + 1;
  };
}
