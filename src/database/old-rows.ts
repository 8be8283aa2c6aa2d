import { sql } from 'kysely';
import { type Database, inOwnTransaction, query, type Transaction } from './orm.ts';
import { firstIdAt, NO_ID } from './uuid.ts';

/** Rows that are deleted in one transaction. */
const MOST_AT_ONCE = 1_000;

type Old = {
  /** Up to so many ids between two, in order, their rows locked; those that somebody else has are left. */
  page(tx: Transaction, between: { after: string; before: string }): Promise<{ id: string }[]>;
  remove(tx: Transaction, ids: string[]): Promise<unknown>;
};

const deliveries: Old = {
  page: (tx, { after, before }) => query(tx, sql<{ id: string }>`
    select id from webhook_deliveries where id > ${after} and id < ${before} and due_at is null order by id limit ${MOST_AT_ONCE} for update skip locked`),
  remove: (tx, ids) => query(tx, sql`delete from webhook_deliveries where id = any(${ids}::uuid[])`),
};

/** An event is kept for as long as a delivery of it. No new one begins while its row is locked. */
const events: Old = {
  page: (tx, { after, before }) => query(tx, sql<{ id: string }>`
    select id from events where id > ${after} and id < ${before} order by id limit ${MOST_AT_ONCE} for update skip locked`),
  remove: (tx, ids) => query(tx, sql`
    delete from events e where id = any(${ids}::uuid[]) and not exists (select 1 from webhook_deliveries d where d.scope_id = e.scope_id and d.event_id = e.id)`),
};

const tables = { deliveries, events };

/**
 * Deletes what was written before `before` (real time, which ids tell: a rehearsal may have dated a row a year ahead), page by page, until
 * none is left or `stopped`.
 */
export async function deleteOldRows(database: Database, table: keyof typeof tables, before: Date, stopped: () => boolean): Promise<void> {
  const { page, remove } = tables[table];
  for (let after: string | undefined = NO_ID; after !== undefined && !stopped(); ) {
    const start: string = after;
    after = await inOwnTransaction(database, async (tx) => {
      const ids = (await page(tx, { after: start, before: firstIdAt(before) })).map(({ id }) => id);
      if (ids.length > 0) await remove(tx, ids);
      return ids.at(-1);
    });
  }
}
