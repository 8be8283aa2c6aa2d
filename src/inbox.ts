import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { type ReasonCode, untoldCodes } from './billing/core/outcome.ts';
import type { Envelope } from './billing/core/envelope.ts';
import { type Database, inTransaction, query, reading, type Transaction } from './database/orm.ts';
import { StripeEvent, type StripeEventRow } from './database/exchange-rows.ts';
import { type Page, type PageRequest, readPage } from './database/page.ts';
import type { Scope } from './database/scope.ts';

/**
 * The inbox: what Stripe told us, stored before it is acknowledged. `dueAt` is when an event is next tried, and null
 * once it is done; whatever is due and not in the queue is put there again by the sweep.
 */

/** Names one event. */
export type EventRef = { scopeId: number; id: string };

export type Received = 'stored' | 'pending' | 'done';

/**
 * Stores an event once. `pending`: it was here and is not done yet. `done`: it was here and nothing changes. A classic event
 * takes the place of its thin one while that has told nothing yet.
 */
export async function receiveEvent(
  database: Database,
  scope: Scope,
  { envelope, payload }: { envelope: Envelope; payload: string },
  now: Date,
): Promise<Received> {
  const em = reading(database);
  const { id, type, livemode, apiVersion, objectId, createdAt, thin } = envelope;
  const stored = await query(em, sql`
    insert into stripe_events (scope_id, id, type, livemode, api_version, object_id, payload, thin, created_at, received_at, attempts, due_at)
    values (${scope.id}, ${id}, ${type}, ${livemode}, ${apiVersion}, ${objectId}, ${payload}, ${thin}, ${createdAt}, ${now}, 0, ${now})
    on conflict (scope_id, id) do update
      set payload = excluded.payload, api_version = excluded.api_version, thin = false, attempts = 0, due_at = excluded.due_at,
        processed_at = null, outcome = null, reason_code = null, reason = null
      where stripe_events.thin and not excluded.thin and (stripe_events.processed_at is null or stripe_events.reason_code = any(${untoldCodes}::text[]))
    returning id`);
  if (stored.length > 0) return 'stored';
  const before = await em.findOneOrFail(StripeEvent, { scopeId: scope.id, id });
  return before.processedAt === null ? 'pending' : 'done';
}

/** Puts the classic event in the place of a thin one, so that it is applied and replayed like any other. */
export async function thickenEvent(database: Database, ref: EventRef, payload: string): Promise<void> {
  await reading(database).nativeUpdate(StripeEvent, { ...ref, thin: true, processedAt: null }, { payload, thin: false });
}

/** Those of `ids` whose events are here already, as classic ones. */
export async function storedEventIds(database: Database, scope: Scope, ids: string[]): Promise<Set<string>> {
  const stored = await query(reading(database), sql<{ id: string }>`select id from stripe_events where scope_id = ${scope.id} and id = any(${ids}::text[]) and not thin`);
  return new Set(stored.map(({ id }) => id));
}

/** Those of `objectIds` of which an event is here that no attempt has failed at: what it comes to is not known yet. */
export async function objectsAwaited(tx: Transaction, scope: Scope, objectIds: string[]): Promise<Set<string>> {
  const awaited = await query(tx, sql<{ object_id: string }>`
    select object_id from stripe_events where scope_id = ${scope.id} and object_id = any(${objectIds}::text[]) and processed_at is null and attempts <= 1`);
  return new Set(awaited.map(({ object_id }) => object_id));
}

/** An event in hand. `dueSince`: when it came, or was reopened. */
export type Attempted = { payload: string; attempts: number; dueSince: Date };

/** Counts an attempt before it is made, so that one which kills the process is counted too. Null when already done. */
export async function beginAttempt(database: Database, ref: EventRef, dueAt: Date): Promise<Attempted | null> {
  return inTransaction(database, async (tx) => {
    const event = await lockEvent(tx, ref);
    if (event === null || event.processedAt !== null) return null;
    const { payload, attempts, dueAt: since } = event;
    Object.assign(event, { attempts: attempts + 1, dueAt });
    return { payload, attempts: attempts + 1, dueSince: since ?? dueAt };
  });
}

/** Says why an event is not done yet and when it is due again; an attempt that an outage ended is given back. */
export async function putOffEvent(database: Database, ref: EventRef, { error, outage }: { error: string; outage: boolean }, dueAt: Date): Promise<void> {
  await query(reading(database), sql`
    update stripe_events set last_error = ${error}, due_at = ${dueAt}, attempts = greatest(attempts - ${outage ? 1 : 0}, 0)
    where scope_id = ${ref.scopeId} and id = ${ref.id} and processed_at is null`);
}

/** The event with its payload, locked until the transaction ends. */
export async function lockEvent(tx: Transaction, ref: EventRef): Promise<StripeEventRow | null> {
  return tx.findOne(StripeEvent, ref, { lockMode: LockMode.PESSIMISTIC_WRITE, populate: ['payload'] });
}

/** Undoes `done`, so that the event is applied again to what is known now. Null when there is no such event. */
export async function reopenEvent(database: Database, ref: EventRef, now: Date): Promise<StripeEventRow | null> {
  return inTransaction(database, async (tx) => {
    const event = await tx.findOne(StripeEvent, ref, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (event) Object.assign(event, { ...unprocessed, dueAt: now });
    return event;
  });
}

/** As `reopenEvent` for many: at once those that nobody is at, and one by one those that are being applied or stamped. */
export async function reopenEvents(database: Database, scope: Scope, ids: string[], now: Date): Promise<void> {
  const reopened = await query(reading(database), sql<{ id: string }>`
    update stripe_events set processed_at = null, outcome = null, reason_code = null, reason = null, last_error = null, attempts = 0, due_at = ${now}
    where scope_id = ${scope.id} and id in (
      select id from stripe_events where scope_id = ${scope.id} and id = any(${ids}::text[]) for update skip locked
    ) returning id`);
  const done = new Set(reopened.map(({ id }) => id));
  for (const id of ids.filter((candidate) => !done.has(candidate))) await reopenEvent(database, { scopeId: scope.id, id }, now);
}

/** Reopens every event of a scope that waits for what has since come, such as a Stripe key. */
export async function reopenWaiting(database: Database, scope: Scope, codes: ReasonCode[], now: Date): Promise<void> {
  await reading(database).nativeUpdate(StripeEvent, { scopeId: scope.id, reasonCode: { $in: codes } }, { ...unprocessed, dueAt: now });
}

const unprocessed = { processedAt: null, outcome: null, reasonCode: null, reason: null, lastError: null, attempts: 0 };

/** Up to `limit` events that are due, each put off to `nextDueAt` so that it is not handed out again before. */
export async function takeDueEvents(database: Database, nextDueAt: Date, limit: number, now: Date): Promise<EventRef[]> {
  const taken = await query(reading(database), sql<{ scope_id: number; id: string }>`
    update stripe_events set due_at = ${nextDueAt} where (scope_id, id) in (
      select scope_id, id from stripe_events where due_at <= ${now} order by due_at limit ${limit} for update skip locked
    ) returning scope_id, id`);
  return taken.map((row) => ({ scopeId: row.scope_id, id: row.id }));
}

/** When the oldest event that is not done arrived; null when all are. `untried`: of those that nobody has tried yet. */
export async function oldestPendingEvent(database: Database, { untried = false } = {}): Promise<Date | null> {
  const where = { dueAt: { $ne: null }, ...(untried && { lastError: null }) };
  const [oldest] = await reading(database).find(StripeEvent, where, { orderBy: { receivedAt: 'asc' }, limit: 1 });
  return oldest?.receivedAt ?? null;
}

/** How many events each mode has of each outcome; null are those not done. An index holds all that is asked for. */
export async function countEvents(database: Database): Promise<{ mode: Scope['mode']; outcome: StripeEventRow['outcome']; count: number }[]> {
  return query(reading(database), sql<{ mode: Scope['mode']; outcome: StripeEventRow['outcome']; count: number }>`
    select scopes.mode, counted.outcome, sum(counted.count)::float8 as count
    from (select outcome, scope_id, count(*) from stripe_events group by outcome, scope_id) as counted
    join scopes on scopes.id = counted.scope_id group by scopes.mode, counted.outcome`);
}

/** How many events were given up. */
export async function countFailedEvents(database: Database): Promise<number> {
  const [row] = await query(reading(database), sql<{ count: number }>`select count(*)::int as count from stripe_events where outcome = 'failed'`);
  return row?.count ?? 0;
}

/** What is not given matches all; an `outcome` of null, the events that are not done. */
export type EventFilter = { id?: string | undefined; type?: string | undefined; outcome?: StripeEventRow['outcome'] | undefined; objectId?: string | undefined; createdAfter?: Date | undefined };

export async function listEvents(database: Database, scope: Scope, filter: EventFilter, page: PageRequest): Promise<Page<StripeEventRow> | null> {
  const { createdAfter, ...equal } = filter;
  const given = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined));
  const where = { ...given, scopeId: scope.id, ...(createdAfter && { createdAt: { $gt: createdAfter } }) };
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(StripeEvent, { scopeId: scope.id, id }),
    after: (last: StripeEventRow | null, limit: number) =>
      tx.find(StripeEvent, { ...where, ...receivedBefore(last) }, { orderBy: [{ receivedAt: 'desc' }, { id: 'desc' }], limit }),
  };
  return readPage<StripeEventRow>(list, page);
}

function receivedBefore(last: StripeEventRow | null): object {
  if (last === null) return {};
  const { receivedAt, id } = last;
  return { $or: [{ receivedAt: { $lt: receivedAt } }, { receivedAt, id: { $lt: id } }] };
}

export async function readStoredEvent(database: Database, ref: EventRef): Promise<StripeEventRow | null> {
  return reading(database).findOne(StripeEvent, ref);
}
