import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { eventTypes } from '../../licensing/core/event.ts';
import { type DeliveryDetails, deliveryStatuses, listDeliveries, readDelivery, statusOf } from '../../licensing/read-deliveries.ts';
import { redeliver } from '../../licensing/redeliver.ts';
import { answersMany, answersOne, granted, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const deliveriesQuery = pageQuery.extend({ status: z.enum(deliveryStatuses).optional() });

const delivery = z.strictObject({
  id: shown.id, webhookId: shown.id, eventId: shown.id.meta({ description: 'The `webhook-id` of every attempt.' }), eventType: z.enum(eventTypes),
  status: z.enum(deliveryStatuses).meta({ description: '`pending` is still being tried; `failed` was given up, as `error` says.' }),
  attempts: shown.count.meta({ description: 'Of ten; a redelivery counts from 0 again.' }),
  nextAttemptAt: shown.timeOrNull, lastAttemptAt: shown.timeOrNull, durationMs: shown.count.nullable().meta({ description: 'How long the last attempt took.' }),
  responseStatus: z.int().nullable(), responseExcerpt: shown.text.meta({ description: 'The first 1,024 bytes of the last answer.' }), error: shown.text.meta({ description: 'Why the last attempt was no success.' }),
  createdAt: shown.time, deliveredAt: shown.timeOrNull, failedAt: shown.timeOrNull,
}).meta({ id: 'WebhookDelivery' });

export function webhookDeliveryRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/webhook-deliveries/:id';
  return [
    managementRoute({ method: 'get', path: '/api/v1/webhooks/:id/deliveries', permission: 'webhooks:read', summary: 'List what a webhook endpoint was sent and is owed', input: deliveriesQuery, answers: answersMany(delivery) }, async ({ scope, id, input: { status, ...page } }) =>
      many(granted(await listDeliveries(database, scope, { endpointId: id, status }, page)), viewDelivery),
    ),
    managementRoute({ method: 'get', path, permission: 'webhooks:read', summary: 'Read a webhook delivery', input: noInput, answers: answersOne(delivery) }, async ({ scope, id }) =>
      one(await readDelivery(database, scope, id), viewDelivery),
    ),
    managementRoute({ method: 'post', path: `${path}/redeliver`, permission: 'webhooks:write', summary: 'Deliver an event again, under the same id', input: noInput, answers: answersOne(delivery), refuses: ['CONFLICT'] }, async ({ scope, id }) =>
      one(await redeliver(database, scope, id), viewDelivery),
    ),
  ];
}

/** `nextAttemptAt`: what is due at once has been since it was owed. */
function viewDelivery({ scopeId: _scopeId, endpointId, dueAt, lastError, ...delivery }: DeliveryDetails): object {
  const nextAttemptAt = dueAt !== null && dueAt.getTime() === 0 ? delivery.createdAt : dueAt;
  return { ...delivery, webhookId: endpointId, status: statusOf(delivery), nextAttemptAt, error: lastError };
}
