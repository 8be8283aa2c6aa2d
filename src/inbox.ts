import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { describeFinding, type Finding, provisionalCodes, type ReasonCode } from './billing/core/outcome.ts';
import type { Envelope } from './billing/core/read-stripe.ts';
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

/** Stores an event once. `pending`: it was here and is not done yet. `done`: it was here and nothing changes. */
export async function receiveEvent(
  database: Database,
  scope: Scope,
  { envelope, payload }: { envelope: Envelope; payload: string },
  now: Date,
): Promise<Received> {
  const em = reading(database);
  const { id, type, livemode, apiVersion, objectId, createdAt } = envelope;
  const inserted = await query(em, sql`
    insert into stripe_events (scope_id, id, type, livemode, api_version, object_id, payload, created_at, received_at, attempts, due_at)
    values (${scope.id}, ${id}, ${type}, ${livemode}, ${apiVersion}, ${objectId}, ${payload}, ${createdAt}, ${now}, 0, ${now})
    on conflict (scope_id, id) do nothing returning id`);
  if (inserted.length > 0) return 'stored';
  const stored = await em.findOneOrFail(StripeEvent, { scopeId: scope.id, id: envelope.id });
  return stored.processedAt === null ? 'pending' : 'done';
}

/** Counts an attempt before it is made, so that one which kills the process is counted too. Null when already done. */
export async function beginAttempt(database: Database, ref: EventRef, dueAt: Date): Promise<StripeEventRow | null> {
  return inTransaction(database, async (tx) => {
    const event = await lockEvent(tx, ref);
    if (event === null || event.processedAt !== null) return null;
    event.attempts += 1;
    event.dueAt = dueAt;
    return event;
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

/** Marks an event done, in the transaction that did it. */
export function stampEvent(event: StripeEventRow, finding: Finding, purchaseId: string | null, now: Date): void {
  Object.assign(event, describeFinding(finding), { purchaseId, processedAt: now, dueAt: null, lastError: null });
}

type Standing = { purchaseId: string; finding: Finding; paidAfterEnd: string[] };

/** Stamps anew the events of a purchase whose finding was provisional, or whose payment turns out to have come too late. */
export async function restampPurchase(tx: Transaction, scope: Scope, { purchaseId, finding, paidAfterEnd }: Standing): Promise<void> {
  const settled = { scopeId: scope.id, purchaseId, reasonCode: { $in: provisionalCodes } };
  await tx.nativeUpdate(StripeEvent, settled, describeFinding(finding));
  for (const objectId of paidAfterEnd) {
    await tx.nativeUpdate(StripeEvent, { scopeId: scope.id, purchaseId, objectId, outcome: 'applied' }, describeFinding({ code: 'paid_after_end', subject: objectId }));
  }
}

/** Gives an event up: visible, counted and replayable. */
export async function failEvent(database: Database, ref: EventRef, error: string, now: Date): Promise<void> {
  const failure = describeFinding({ code: 'attempts_exhausted', subject: error });
  await reading(database).nativeUpdate(StripeEvent, { ...ref, processedAt: null }, { ...failure, processedAt: now, dueAt: null, lastError: error });
}

/** Undoes `done`, so that the event is applied again to what is known now. Null when there is no such event. */
export async function reopenEvent(database: Database, ref: EventRef, now: Date): Promise<StripeEventRow | null> {
  return inTransaction(database, async (tx) => {
    const event = await tx.findOne(StripeEvent, ref, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (event) Object.assign(event, { ...unprocessed, dueAt: now });
    return event;
  });
}

/** Reopens every event of a scope that waits for what has since come, such as a Stripe key. */
export async function reopenWaiting(database: Database, scope: Scope, code: ReasonCode, now: Date): Promise<void> {
  await reading(database).nativeUpdate(StripeEvent, { scopeId: scope.id, reasonCode: code }, { ...unprocessed, dueAt: now });
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

/** When the oldest event that is not done arrived; null when all are. */
export async function oldestPendingEvent(database: Database): Promise<Date | null> {
  const [oldest] = await reading(database).find(StripeEvent, { dueAt: { $ne: null } }, { orderBy: { receivedAt: 'asc' }, limit: 1 });
  return oldest?.receivedAt ?? null;
}

export type EventFilter = { type?: string | undefined; outcome?: StripeEventRow['outcome'] | undefined; objectId?: string | undefined; createdAfter?: Date | undefined };

export async function listEvents(database: Database, scope: Scope, filter: EventFilter, page: PageRequest): Promise<Page<StripeEventRow> | null> {
  const { createdAfter, ...equal } = filter;
  const given = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined));
  const where = { scopeId: scope.id, ...given, ...(createdAfter && { createdAt: { $gt: createdAfter } }) };
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
