import { sql } from 'kysely';
import { type Database, inOwnTransaction, query } from '../database/orm.ts';
import { type NewEvent, recordEvents } from './record-event.ts';

/**
 * What apps do, told as events: heartbeats and validations. They change nothing that must be exact, and there are many of them: they are gathered
 * here and written once a second; a clean stop writes them, a kill may lose that second.
 */

type AppEvent = NewEvent & { licenseId: string; at: Date };

export type AppEvents = {
  tell(event: AppEvent): void;
  /** Never fails: what could not be written is kept. */
  flush(): Promise<void>;
};

const EVERY_MS = 1_000;
/** Events written in one transaction: it locks their licenses, and a counted use of one of them must not wait long. */
const MOST_AT_ONCE = 150;
/** Kept while the database takes none; beyond, the oldest are dropped, for a gap is better than a process without memory. */
const MOST_KEPT = 100_000;

export function gatherAppEvents({ database, warn, now }: { database: Database; warn: (error: unknown) => void; now: () => Date }): AppEvents {
  let gathered: AppEvent[] = [];
  let flushing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const schedule = () => {
    timer ??= setTimeout(() => void flush(), EVERY_MS);
  };
  const write = async () => {
    clearTimeout(timer);
    timer = undefined;
    const all = gathered;
    gathered = [];
    for (let n = 0; n < all.length; n += MOST_AT_ONCE) {
      const failure = await writeEvents(database, all.slice(n, n + MOST_AT_ONCE), now()).then(() => null, (error: unknown) => ({ error }));
      if (failure === null) continue;
      gathered = [...all.slice(n), ...gathered].slice(-MOST_KEPT);
      schedule();
      return warn(failure.error);
    }
  };
  const flush = () => (flushing = flushing.then(write));
  return {
    tell: (event) => {
      gathered.push(event);
      schedule();
    },
    flush,
  };
}

/** Licenses are locked at once and in one order, so that two processes that tell of the same ones never wait for one another. */
async function writeEvents(database: Database, events: AppEvent[], now: Date): Promise<void> {
  await inOwnTransaction(database, async (tx) => {
    await query(tx, sql`select 1 from licenses where id = any(${[...new Set(events.map(({ licenseId }) => licenseId))]}::uuid[]) order by id for no key update`);
    await recordEvents(tx, events, now);
  });
}
