import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { MessageRow } from '../../database/exchange-rows.ts';
import type { Database } from '../../database/orm.ts';
import { messageData, messageStates } from '../../licensing/core/message.ts';
import { listMessages, resendMessage, stateOf } from '../../outbox.ts';
import type { Queues } from '../../queues.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const kinds = z.object(messageData).keyof();

const messagesQuery = pageQuery.extend({ state: z.enum(messageStates).optional(), kind: kinds.optional(), recipient: z.string().min(1).max(320).optional() });

const message = z.strictObject({
  id: shown.id, kind: kinds, recipient: z.string(), licenseIds: z.array(shown.id),
  state: z.enum(messageStates).meta({ description: '`failed` was given up; `dropped` was not to be sent any more, as `lastError` says.' }),
  attempts: shown.count, lastError: shown.text, createdAt: shown.time,
  nextAttemptAt: shown.timeOrNull.meta({ description: 'Null: at once, or never again.' }),
  sentAt: shown.timeOrNull, failedAt: shown.timeOrNull,
}).meta({ id: 'Message' });

type Dependencies = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'> };

/** The mails that are and were owed. */
export function messageRoutes({ database, clock, queues }: Dependencies): Route[] {
  const path = '/api/v1/messages';
  return [
    managementRoute({ method: 'get', path, permission: 'customers:read', summary: 'List mails', input: messagesQuery, answers: answersMany(message) }, async ({ scope, input }) => {
      const { limit, cursor, ...filter } = input;
      return many(await listMessages(database, scope, filter, { limit, cursor }), viewMessage);
    }),
    managementRoute({ method: 'post', path: `${path}/:id/resend`, permission: 'customers:write', summary: 'Send a mail again', input: noInput, answers: answersOne(message) }, async ({ scope, id }) => {
      const resent = await resendMessage(database, { scope, id }, clock.now());
      if (resent.ok) await queues.enqueue('messages', { id: resent.value.id });
      return one(resent, viewMessage);
    }),
  ];
}

function viewMessage(row: MessageRow): object {
  const { id, kind, recipient, data, attempts, lastError, createdAt, dueAt, sentAt, failedAt } = row;
  const nextAttemptAt = dueAt !== null && dueAt.getTime() > 0 ? dueAt : null;
  return { id, kind, recipient, licenseIds: data['licenseIds'] ?? [], state: stateOf(row), attempts, lastError, createdAt, nextAttemptAt, sentAt, failedAt };
}
