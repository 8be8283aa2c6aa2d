import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Message, type MessageRow } from './database/exchange-rows.ts';
import { newId } from './database/uuid.ts';
import { type Database, inTransaction, query, reading, type Transaction } from './database/orm.ts';
import type { Scope } from './database/scope.ts';
import type { MessageContent } from './licensing/core/message.ts';

/**
 * The outbox: what we owe the world, written in the commit that owes it. `dueAt` is when a message is next tried, and
 * null once it is sent or given up.
 */

export type NewMessage = MessageContent & { recipient: string };

/** A message as it stands in the outbox. */
export type OwedMessage = Pick<MessageRow, 'kind' | 'recipient' | 'data'>;

/** Due at once, whatever time the one who owes it goes by: a rehearsal may be a year ahead. */
const AT_ONCE = new Date(0);

/** Writes a message in the caller's transaction and returns its id, for the edge to enqueue after the commit. */
export function writeMessage(tx: Transaction, scope: Scope, message: NewMessage, now: Date): string {
  const id = newId();
  tx.persist(
    tx.create(Message, {
      ...message, id, scopeId: scope.id, attempts: 0, dueAt: AT_ONCE, createdAt: now, sentAt: null, failedAt: null, lastError: null,
    }),
  );
  return id;
}

/** Those of `ids` whose sending was given up. */
export async function givenUpMessages(tx: Transaction, ids: string[]): Promise<Set<string>> {
  const found = await tx.find(Message, { id: { $in: ids }, failedAt: { $ne: null } });
  return new Set(found.map(({ id }) => id));
}

/** These messages, as they are owed. */
export async function readMessages(tx: Transaction, ids: string[]): Promise<OwedMessage[]> {
  return tx.find(Message, { id: { $in: ids } }, { orderBy: { id: 'asc' } });
}

/** What trying to send came to. `retryAt` null gives the message up. */
export type SendResult = { sent: true } | { sent: false; error: string; retryAt: Date | null };

/**
 * Locks the message, lets `send` try, and records what came of it. Null: there was nothing to send, because it is done
 * or another worker has it. A kill between the sending and the record repeats the sending, with the same message id.
 */
export async function deliverMessage(
  database: Database,
  id: string,
  send: (message: MessageRow, tx: Transaction) => Promise<SendResult>,
  now: () => Date,
): Promise<SendResult | null> {
  return inTransaction(database, async (tx) => {
    const message = await tx.findOne(Message, { id, dueAt: { $ne: null } }, { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE });
    if (message === null) return null;
    message.attempts += 1;
    const result = await send(message, tx);
    if (result.sent) Object.assign(message, { sentAt: now(), dueAt: null, lastError: null });
    else Object.assign(message, { lastError: result.error, dueAt: result.retryAt, failedAt: result.retryAt ? null : now() });
    return result;
  });
}

/** Up to `limit` messages that are due, each put off to `nextDueAt` so that it is not handed out again before. */
export async function takeDueMessages(database: Database, nextDueAt: Date, limit: number, now: Date): Promise<string[]> {
  const taken = await query(reading(database), sql<{ id: string }>`
    update messages set due_at = ${nextDueAt} where id in (
      select id from messages where due_at <= ${now} order by due_at limit ${limit} for update skip locked
    ) returning id`);
  return taken.map(({ id }) => id);
}

/** When the oldest message that is neither sent nor given up was written; null when there is none. `untried`: of those that nobody has tried yet. */
export async function oldestPendingMessage(database: Database, { untried = false } = {}): Promise<Date | null> {
  const where = { dueAt: { $ne: null }, ...(untried && { lastError: null }) };
  const [oldest] = await reading(database).find(Message, where, { orderBy: { createdAt: 'asc' }, limit: 1 });
  return oldest?.createdAt ?? null;
}

/** How many messages are neither sent nor given up, and how many were given up. */
export async function countMessages(database: Database): Promise<{ pending: number; failed: number }> {
  const [row] = await query(reading(database), sql<{ pending: number; failed: number }>`
    select (select count(*)::int from messages where due_at is not null) as pending, (select count(*)::int from messages where failed_at is not null) as failed`);
  return { pending: row?.pending ?? 0, failed: row?.failed ?? 0 };
}
