import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { deleteOldRows } from '../database/old-rows.ts';

/** How long what happened is kept. */
export type Retention = { eventDays: number; deliveryDays: number };

export type PruneDependencies = { database: Database; clock: Clock; retention: Retention; firstAnswers: { forgetOld: () => Promise<boolean> } };

const DAY_MS = 86_400_000;

/** Deletes what was kept for long enough, by real time. Deliveries go first: an event stays for as long as one of them needs it. */
export async function prune({ database, clock, retention, firstAnswers }: PruneDependencies, stopped: () => boolean): Promise<void> {
  const ago = (days: number) => new Date(clock.now().getTime() - days * DAY_MS);
  await deleteOldRows(database, 'deliveries', ago(retention.deliveryDays), stopped);
  await deleteOldRows(database, 'events', ago(retention.eventDays), stopped);
  while (!stopped() && (await firstAnswers.forgetOld()));
}
