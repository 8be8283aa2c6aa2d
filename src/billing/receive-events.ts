import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { type EventRef, receiveEvent, storedEventIds } from '../inbox.ts';
import { readEnvelope } from './core/envelope.ts';

/** Stores those of the listed events that are not in the inbox yet and not older than `since`, exactly as delivered ones, and returns these. */
export async function receiveEvents(database: Database, { scope, payloads, since }: { scope: Scope; payloads: string[]; since: Date | null }, now: Date): Promise<EventRef[]> {
  const listed = payloads.flatMap((payload) => {
    const envelope = readEnvelope(payload);
    return envelope && (since === null || envelope.createdAt >= since) ? [{ envelope, payload }] : [];
  });
  const stored = await storedEventIds(database, scope, listed.map(({ envelope }) => envelope.id));
  const received: EventRef[] = [];
  for (const event of listed.filter(({ envelope }) => !stored.has(envelope.id))) {
    if ((await receiveEvent(database, scope, event, now)) === 'stored') received.push({ scopeId: scope.id, id: event.envelope.id });
  }
  return received;
}
