import { LockMode, raw } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Message, type MessageRow } from './database/exchange-rows.ts';
import { newId } from './database/uuid.ts';
import { type Database, inTransaction, query, reading, type Transaction } from './database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from './database/page.ts';
import { rowOf, type Scope } from './database/scope.ts';
import { notFound, ok, type Result } from './errors.ts';
import type { MessageContent, MessageKind, MessageState } from './licensing/core/message.ts';

/**
 * The outbox: what we owe the world, written in the commit that owes it. `dueAt` is when a message is next tried, and
 * null once it is sent or given up.
 */

export type NewMessage = MessageContent & { recipient: string };

/** A message as it stands in the outbox. */
export type OwedMessage = Pick<MessageRow, 'kind' | 'recipient' | 'data'>;

/** Due at once, whatever time the one who owes it goes by: a rehearsal may be a year ahead. */
export const AT_ONCE = new Date(0);

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

/** What trying to send came to. What is dropped need not be sent any more. */
export type SendResult =
  | { state: 'sent' }
  | { state: 'pending'; error: string; retryAt: Date }
  | { state: 'failed'; error: string }
  | { state: 'dropped'; error: string };

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
    Object.assign(message, {
      dueAt: result.state === 'pending' ? result.retryAt : null,
      lastError: result.state === 'sent' ? null : result.error,
      ...(result.state === 'sent' && { sentAt: now() }),
      ...(result.state === 'failed' && { failedAt: now() }),
    });
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

export function stateOf({ dueAt, sentAt, failedAt }: Pick<MessageRow, 'dueAt' | 'sentAt' | 'failedAt'>): MessageState {
  if (dueAt !== null) return 'pending';
  if (sentAt !== null) return 'sent';
  return failedAt === null ? 'dropped' : 'failed';
}

/** `stateOf`, as the database is asked for it. */
const inState: Record<MessageState, object> = {
  pending: { dueAt: { $ne: null } },
  sent: { dueAt: null, sentAt: { $ne: null } },
  failed: { dueAt: null, failedAt: { $ne: null } },
  dropped: { dueAt: null, sentAt: null, failedAt: null },
};

type MessageFilter = { state?: MessageState | undefined; kind?: MessageKind | undefined; recipient?: string | undefined };

/** A page of what is and was owed, newest first. Null: the cursor is of another list. */
export async function listMessages(database: Database, scope: Scope, { state, kind, recipient }: MessageFilter, page: PageRequest): Promise<Page<MessageRow> | null> {
  const tx = reading(database);
  const where = {
    scopeId: scope.id,
    ...(state !== undefined && inState[state]),
    ...(kind !== undefined && { kind }),
    ...(recipient !== undefined && { [raw('lower(recipient)')]: recipient.toLowerCase() }),
  };
  const list = {
    at: (id: string) => tx.findOne(Message, rowOf(scope, id)),
    after: (last: MessageRow | null, limit: number) => tx.find(Message, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<MessageRow>(list, page);
}

/**
 * Makes a message due again, at once. One that was sent is owed anew, as a message of its own: under the old Message-ID mail servers would take it for
 * a repeat and show it to nobody.
 */
export async function resendMessage(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<MessageRow>> {
  return inTransaction(database, async (tx) => {
    const message = await tx.findOne(Message, rowOf(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (message === null) return notFound();
    const due = { attempts: 0, dueAt: AT_ONCE, sentAt: null, failedAt: null, lastError: null };
    if (stateOf(message) !== 'sent') return ok(Object.assign(message, due));
    const { scopeId, kind, recipient, data } = message;
    const again = tx.create(Message, { scopeId, kind, recipient, data, id: newId(), createdAt: now, ...due });
    await tx.persist(again).flush();
    return ok(again);
  });
}
