import { type Database, reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { fetchedAtOf } from './store.ts';

/** How far the clocks of two processes may be apart: one took the event, another asked. */
const SKEW_MS = 5_000;

/**
 * Whether an object was asked for after `since`. What Stripe said then is newer than whatever an event that was here by then tells, so
 * that of a purchase's many events, which come at once, not each has to ask.
 */
export async function isFetchedSince(database: Database, { scope, objectId }: { scope: Scope; objectId: string }, since: Date): Promise<boolean> {
  const fetchedAt = await fetchedAtOf(reading(database), scope, objectId);
  return fetchedAt !== null && fetchedAt.getTime() > since.getTime() + SKEW_MS;
}
