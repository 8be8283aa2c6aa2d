import { sql } from 'kysely';
import { wakeAfterCommit } from './database/after-commit.ts';
import { DomainEvent, type DomainEventRow } from './database/exchange-rows.ts';
import { type Database, query, reading, type Transaction } from './database/orm.ts';
import { AT_ONCE } from './outbox.ts';
import { WebhookEndpoint, type WebhookEndpointRow } from './database/webhook-rows.ts';

/**
 * The outbox of webhooks: which events are owed to which endpoint, written in the commit that told the event. `dueAt` is when a delivery
 * is next tried, null once it is done. While it is tried, `dueAt` is the lease of whoever tries: should they die, it is due then.
 */

/** Letters of an id up to its random part. */
const TIME_AND_VERSION = 'xxxxxxxx-xxxx-7'.length;

/** Owes these events to every enabled endpoint of their scope that listens to them. The ids tell when that was, as all ids do: they begin as the event's does. */
export async function oweDeliveries(tx: Transaction, events: { id: string; scopeId: number; type: string }[], now: Date): Promise<void> {
  const owed = await query(tx, sql<{ endpoint_id: string }>`
    insert into webhook_deliveries (id, scope_id, endpoint_id, event_id, attempts, due_at, created_at)
    select overlay(gen_random_uuid()::text placing left(e.id::text, ${TIME_AND_VERSION}) from 1)::uuid, w.scope_id, w.id, e.id, 0, ${AT_ONCE}, ${now}
    from unnest(${events.map(({ id }) => id)}::uuid[], ${events.map(({ scopeId }) => scopeId)}::int[], ${events.map(({ type }) => type)}::text[]) as e (id, scope_id, type)
    join webhook_endpoints w on w.scope_id = e.scope_id and w.deleted_at is null and w.disabled_at is null
      and w.events && array['*', split_part(e.type, '.', 1) || '.*', e.type]
    returning endpoint_id`);
  for (const { endpoint_id: endpointId } of owed) wakeAfterCommit(endpointId);
}

/** Owes a delivery anew, with all its attempts before it. */
export async function oweAgain(tx: Transaction, { id, endpointId }: { id: string; endpointId: string }): Promise<void> {
  await query(tx, sql`
    update webhook_deliveries set due_at = ${AT_ONCE}, attempts = 0, delivered_at = null, failed_at = null, last_error = null where id = ${id}`);
  wakeAfterCommit(endpointId);
}

/** Gives up whatever is still owed to an endpoint. */
export async function giveUpDeliveries(tx: Transaction, endpointId: string, why: string, now: Date): Promise<void> {
  await query(tx, sql`
    update webhook_deliveries set due_at = null, failed_at = ${now}, last_error = ${why} where endpoint_id = ${endpointId} and due_at is not null`);
}

/** As `giveUpDeliveries`, if the endpoint is still closed: of one that was opened again meanwhile all is still owed. */
export async function giveUpIfClosed(database: Database, endpointId: string, why: string, now: Date): Promise<void> {
  await query(reading(database), sql`
    update webhook_deliveries set due_at = null, failed_at = ${now}, last_error = ${why} where endpoint_id = ${endpointId} and due_at is not null
      and exists (select 1 from webhook_endpoints where id = ${endpointId} and (deleted_at is not null or disabled_at is not null))`);
}

/** A delivery that is ours to try until `lease`. */
export type Claimed = { id: string; attempts: number; lease: Date; event: DomainEventRow; endpoint: WebhookEndpointRow };

/** Takes the delivery of an endpoint that has been due longest, and counts the attempt. Null: none is due that nobody is at. */
export async function claimDelivery(database: Database, endpointId: string, lease: Date, now: Date): Promise<Claimed | null> {
  const tx = reading(database);
  const [taken] = await query(tx, sql<{ id: string; event_id: string; attempts: number }>`
    update webhook_deliveries set attempts = attempts + 1, due_at = ${lease}, last_attempt_at = ${now}, duration_ms = null where id = (
      select id from webhook_deliveries where endpoint_id = ${endpointId} and due_at <= ${now} order by due_at, event_id limit 1 for update skip locked
    ) returning id, event_id, attempts`);
  if (!taken) return null;
  const event = await tx.findOneOrFail(DomainEvent, { id: taken.event_id });
  const endpoint = await tx.findOneOrFail(WebhookEndpoint, { id: endpointId });
  return { id: taken.id, attempts: taken.attempts, lease, event, endpoint };
}

/** What an attempt came to. `error` null: it was delivered. `retryAt` null: it is not tried again. */
export type Attempted = { status: number | null; excerpt: string | null; error: string | null; durationMs: number; retryAt: Date | null };

/** Records an attempt, unless its lease is over: then somebody else has it, or it was given up. */
export async function recordAttempt(database: Database, { id, lease }: Claimed, { status, excerpt, error, durationMs, retryAt }: Attempted, now: Date): Promise<void> {
  const deliveredAt = error === null ? now : null;
  const failedAt = error !== null && retryAt === null ? now : null;
  await query(reading(database), sql`
    update webhook_deliveries set due_at = ${retryAt}, duration_ms = ${durationMs}, response_status = ${status}, response_excerpt = ${excerpt}, last_error = ${error},
      delivered_at = ${deliveredAt}, failed_at = ${failedAt}
    where id = ${id} and due_at = ${lease}`);
}

/** Keeps when an endpoint began to fail, or forgets it after a success. */
export async function noteHealth(database: Database, endpointId: string, failing: boolean, now: Date): Promise<void> {
  await query(reading(database), sql`
    update webhook_endpoints set failing_since = ${failing ? now : null} where id = ${endpointId} and (failing_since is null) = ${failing}`);
}

/** The endpoints that something is due for. */
export async function endpointsWithDue(database: Database, now: Date): Promise<string[]> {
  const found = await query(reading(database), sql<{ id: string }>`
    select w.id from webhook_endpoints w where exists (select 1 from webhook_deliveries d where d.endpoint_id = w.id and d.due_at <= ${now})`);
  return found.map(({ id }) => id);
}

/** Makes due at once what was being tried when a process ended. What another process is trying right now may then arrive twice. */
export async function reopenInterrupted(database: Database): Promise<void> {
  await query(reading(database), sql`
    update webhook_deliveries set due_at = ${AT_ONCE} where due_at is not null and last_attempt_at is not null and duration_ms is null`);
}
