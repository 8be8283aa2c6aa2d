import { asOneTransaction, reading, type Transaction } from '../database/orm.ts';
import { type DueRows, holdTime } from '../database/scope-time.ts';
import type { Scope } from '../database/scope.ts';
import { cullMachines } from './cull-machines.ts';
import type { Licensing } from './licensing.ts';
import { licensesDue } from './settle-licenses.ts';

/** What time alone makes happen. Jobs run it as time passes, the test clock as it is moved: one table for both. */

/** What a batch took, and the messages that are owed since. */
export type Batch = { count: number; messageIds: string[] };

/**
 * One kind of due work. `next` is the earliest moment at which something of a scope falls due. `batch` does some of what is due by
 * `now` in one transaction; what somebody else has in hand it leaves alone, or waits for. Callers go on until it takes none.
 */
export type DueWork = {
  name: string;
  rows: DueRows;
  next: (tx: Transaction, scope: Scope) => Promise<Date | null>;
  batch: (licensing: Licensing, which: { scope: Scope; waits: boolean }, now: Date) => Promise<Batch>;
};

export const dueWorks: DueWork[] = [{ ...licensesDue, rows: 'licenses' }, { ...cullMachines, rows: 'machines' }];

/** One batch of what is due by the scope's own time, which stands still meanwhile. */
export async function runDueBatch(licensing: Licensing, { scope, work }: { scope: Scope; work: DueWork }, realNow: Date): Promise<Batch> {
  return asOneTransaction(licensing.database, async (tx) => work.batch(licensing, { scope, waits: false }, await holdTime(tx, scope, realNow)));
}

type Span = { scope: Scope; works: DueWork[]; from: Date; to: Date };

/** Does one batch at its moment. */
type Step = (moment: Date, batch: () => Promise<Batch>) => Promise<Batch>;

/** No moment has so much to do: whatever is still due then will always be. */
const MOST_BATCHES = 10_000;
/** What is due and not taken may just have been taken by another process, so often at most. */
const MOST_IN_VAIN = 20;

/** Runs what falls due up to `to`, in order, each at its own moment or, what was due before, at `from`. Returns the messages owed. */
export async function runDueInOrder(licensing: Licensing, { scope, works, from, to }: Span, step: Step): Promise<string[]> {
  const owed: string[] = [];
  let [moment, batches, inVain] = [from, 0, 0];
  for (let due = await earliest(licensing, { scope, works }); due !== null && due.at <= to; due = await earliest(licensing, { scope, works })) {
    const { work, at } = due;
    if (at > moment) [moment, batches, inVain] = [at, 0, 0];
    const { count, messageIds } = await step(moment, () => work.batch(licensing, { scope, waits: true }, moment));
    owed.push(...messageIds);
    batches += 1;
    inVain = count === 0 ? inVain + 1 : 0;
    if (batches >= MOST_BATCHES || inVain >= MOST_IN_VAIN) throw new Error(`${work.name} that fell due at ${at.toISOString()} are due still, after ${batches} batches at ${moment.toISOString()}`);
  }
  return owed;
}

/** The work that falls due first; of several at one moment, the first in the table. */
async function earliest({ database }: Licensing, { scope, works }: { scope: Scope; works: DueWork[] }): Promise<{ work: DueWork; at: Date } | null> {
  let first: { work: DueWork; at: Date } | null = null;
  for (const work of works) {
    const at = await work.next(reading(database), scope);
    if (at !== null && (first === null || at < first.at)) first = { work, at };
  }
  return first;
}
