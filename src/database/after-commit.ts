import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Who is to be woken once a transaction is committed. Use cases never enqueue: what they write notes here, inside the transaction, the
 * endpoints that are owed something, and the listener of the composition root hears of them after the commit. Nothing depends on it: it
 * saves the wait for the sweep.
 */

type Wake = (endpointIds: string[]) => Promise<void>;

const noted = new AsyncLocalStorage<Set<string>>();
const listeners = new WeakMap<object, Wake>();

/** Has `wake` called after each commit in which an endpoint was noted. */
export function onCommit(database: object, wake: Wake): void {
  listeners.set(database, wake);
}

/** Has the endpoint woken once the transaction under way is committed. */
export function wakeAfterCommit(endpointId: string): void {
  noted.getStore()?.add(endpointId);
}

/** Runs a part of a transaction; whom it noted counts only if `commits` says that it was not taken back. */
export async function notingWithin<T>(part: () => Promise<T>, commits: (value: T) => boolean): Promise<T> {
  const endpointIds = new Set<string>();
  const value = await noted.run(endpointIds, part);
  if (commits(value)) endpointIds.forEach(wakeAfterCommit);
  return value;
}

/** Runs an outermost transaction, and then has woken whom it noted, if `commits` says that it was committed. */
export async function wakingAfter<T>(database: object, transaction: () => Promise<T>, commits: (value: T) => boolean): Promise<T> {
  const endpointIds = new Set<string>();
  const value = await noted.run(endpointIds, transaction);
  if (endpointIds.size > 0 && commits(value)) await listeners.get(database)?.([...endpointIds]);
  return value;
}
