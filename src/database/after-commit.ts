import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What is done once a transaction is committed, and never for one that was taken back. Use cases never enqueue: what they write notes here the
 * endpoints that are owed something. An edge that enqueues inside a transaction around it (a request with an Idempotency-Key is one) is held
 * back until the row can be seen. Nothing depends on it: it saves the wait for the sweep.
 */

type Wake = (endpointIds: string[]) => Promise<void>;

type Notes = { endpointIds: Set<string>; tasks: (() => Promise<void>)[]; over: boolean };

const noted = new AsyncLocalStorage<Notes>();
const listeners = new WeakMap<object, Wake>();

/** Has `wake` called after each commit in which an endpoint was noted. */
export function onCommit(database: object, wake: Wake): void {
  listeners.set(database, wake);
}

/** Has the endpoint woken once the transaction under way is committed. */
export function wakeAfterCommit(endpointId: string): void {
  noted.getStore()?.endpointIds.add(endpointId);
}

/** Does it once the transaction under way is committed; at once where there is none. */
export async function afterCommit(task: () => Promise<void>): Promise<void> {
  const notes = noted.getStore();
  if (notes === undefined || notes.over) await task();
  else notes.tasks.push(task);
}

/** Runs a part of a transaction; what it noted counts only if `commits` says that it was not taken back. */
export async function notingWithin<T>(part: () => Promise<T>, commits: (value: T) => boolean): Promise<T> {
  const { value, notes } = await noting(part);
  if (!commits(value)) return value;
  notes.endpointIds.forEach(wakeAfterCommit);
  for (const task of notes.tasks) await afterCommit(task);
  return value;
}

/** Runs an outermost transaction, and then does what it noted, if `commits` says that it was committed. */
export async function wakingAfter<T>(database: object, transaction: () => Promise<T>, commits: (value: T) => boolean): Promise<T> {
  const { value, notes } = await noting(transaction);
  if (!commits(value)) return value;
  if (notes.endpointIds.size > 0) await listeners.get(database)?.([...notes.endpointIds]);
  for (const task of notes.tasks) await task();
  return value;
}

/** What goes on after the transaction in its context, such as a timer that it set, is no part of it. */
async function noting<T>(work: () => Promise<T>): Promise<{ value: T; notes: Notes }> {
  const notes: Notes = { endpointIds: new Set(), tasks: [], over: false };
  const value = await noted.run(notes, work).finally(() => (notes.over = true));
  return { value, notes };
}
