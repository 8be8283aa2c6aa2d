import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import type { StripeEventRow } from '../../database/exchange-rows.ts';
import { notFound, ok, type Result } from '../../errors.ts';
import { listEvents, readStoredEvent, reopenEvent } from '../../inbox.ts';
import type { Queues } from '../../queues.ts';
import { moment } from '../../licensing/core/moment.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';

const eventsQuery = pageQuery.extend({
  cursor: z.string().min(1).max(255).optional(),
  type: z.string().min(1).max(255).optional(),
  outcome: z.enum(['applied', 'ignored', 'needs_attention', 'failed']).optional(),
  objectId: z.string().min(1).max(255).optional(),
  createdAfter: moment.optional(),
});

type Dependencies = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'> };

const stripeEvent = z.strictObject({
  id: z.string(), type: z.string(), livemode: z.boolean(), apiVersion: z.string().nullable(), objectId: z.string().nullable(),
  createdAt: z.iso.datetime(), receivedAt: z.iso.datetime(), processedAt: z.iso.datetime().nullable(), attempts: z.int(),
  outcome: z.enum(['applied', 'ignored', 'needs_attention', 'failed']).nullable(), reason: z.string().nullable(),
  lastError: z.string().nullable(),
}).meta({ id: 'StripeEvent' });

export function stripeEventRoutes({ database, clock, queues }: Dependencies): Route[] {
  const path = '/api/v1/stripe-events';
  return [
    managementRoute({ method: 'get', path, permission: 'stripe:read', summary: 'List Stripe events', input: eventsQuery, answers: answersMany(stripeEvent) }, async ({ scope, input }) => {
      const { limit, cursor, ...filter } = input;
      return many(await listEvents(database, scope, filter, { limit, cursor }), viewEvent);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'stripe:read', summary: 'Read a Stripe event', input: noInput, answers: answersOne(stripeEvent) }, async ({ scope, id }) =>
      one(found(await readStoredEvent(database, { scopeId: scope.id, id })), viewEvent),
    ),
    managementRoute({ method: 'post', path: `${path}/:id/replay`, permission: 'stripe:write', summary: 'Process a Stripe event again', input: noInput, answers: answersOne(stripeEvent) }, async ({ scope, id }) => {
      const reopened = found(await reopenEvent(database, { scopeId: scope.id, id }, clock.now()));
      if (reopened.ok) await queues.enqueue('stripe-events', { scopeId: scope.id, id });
      return one(reopened, viewEvent);
    }),
  ];
}

function found(event: StripeEventRow | null): Result<StripeEventRow> {
  return event ? ok(event) : notFound();
}

function viewEvent(event: StripeEventRow): object {
  const { id, type, livemode, apiVersion, objectId, createdAt, receivedAt, processedAt, attempts, outcome, reason, lastError } = event;
  return { id, type, livemode, apiVersion, objectId, createdAt, receivedAt, processedAt, attempts, outcome, reason, lastError };
}
