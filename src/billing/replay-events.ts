import type { StripeEventRow } from '../database/exchange-rows.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { type EventFilter, listEvents, reopenEvents } from '../inbox.ts';

const BATCH = 100;

type Replay = { scope: Scope; filter: EventFilter; dryRun: boolean };

/**
 * Has every event that the filter matches processed again, newest first, in batches; on a dry run none is touched. `onBatch` hears of
 * each batch as its events stood before, to show and to enqueue them. Returns how many matched.
 */
export async function replayEvents(database: Database, { scope, filter, dryRun }: Replay, onBatch: (events: StripeEventRow[]) => Promise<void>, now: Date): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await listEvents(database, scope, filter, { limit: BATCH, cursor });
    const events = page?.rows ?? [];
    if (!dryRun && events.length > 0) await reopenEvents(database, scope, events.map(({ id }) => id), now);
    await onBatch(events);
    count += events.length;
    cursor = page?.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return count;
}
