import { z } from 'zod';
import { outcomes } from '../../billing/core/outcome.ts';
import { replayEvents } from '../../billing/replay-events.ts';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import type { StripeEventRow } from '../../database/exchange-rows.ts';
import { notFound, ok, type Result } from '../../errors.ts';
import { listEvents, readStoredEvent, reopenEvent } from '../../inbox.ts';
import type { Queues } from '../../queues.ts';
import { moment } from '../../licensing/core/moment.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';

const filter = {
  type: z.string().min(1).max(255).optional(),
  outcome: z.enum(outcomes).optional(),
  objectId: z.string().min(1).max(255).optional(),
  createdAfter: moment.optional(),
};

const eventsQuery = pageQuery.extend({
  cursor: z.string().min(1).max(255).optional(), ...filter,
  outcome: z.enum([...outcomes, 'pending']).optional().meta({ description: '`pending`: those without an outcome, which are still being tried.' }),
});

const replayRequest = z
  .strictObject({ ...filter, dryRun: z.boolean().default(false) })
  .refine(({ dryRun: _, ...given }) => Object.values(given).some((value) => value !== undefined), 'Give at least one of type, outcome, objectId and createdAfter.');

/** Events that an answer shows of those that were replayed. */
const MOST_SHOWN = 100;

type Dependencies = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'> };

const stripeEvent = z.strictObject({
  id: z.string(), type: z.string(), livemode: z.boolean(), apiVersion: z.string().nullable(), objectId: z.string().nullable(),
  createdAt: z.iso.datetime(), receivedAt: z.iso.datetime(), processedAt: z.iso.datetime().nullable(), attempts: z.int(),
  outcome: z.enum(outcomes).nullable(), reason: z.string().nullable(), lastError: z.string().nullable(),
}).meta({ id: 'StripeEvent' });

const replayed = z.strictObject({ count: z.int(), events: z.array(stripeEvent).max(MOST_SHOWN) }).meta({ id: 'StripeEventReplay' });

export function stripeEventRoutes(dependencies: Dependencies): Route[] {
  const { database, clock, queues } = dependencies;
  const path = '/api/v1/stripe-events';
  return [
    managementRoute({ method: 'get', path, permission: 'stripe:read', summary: 'List Stripe events', input: eventsQuery, answers: answersMany(stripeEvent) }, async ({ scope, input }) => {
      const { limit, cursor, outcome, ...filter } = input;
      return many(await listEvents(database, scope, { ...filter, outcome: outcome === 'pending' ? null : outcome }, { limit, cursor }), viewEvent);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'stripe:read', summary: 'Read a Stripe event', input: noInput, answers: answersOne(stripeEvent) }, async ({ scope, id }) =>
      one(found(await readStoredEvent(database, { scopeId: scope.id, id })), viewEvent),
    ),
    managementRoute({ method: 'post', path: `${path}/:id/replay`, permission: 'stripe:write', summary: 'Process a Stripe event again', input: noInput, answers: answersOne(stripeEvent) }, async ({ scope, id }) => {
      const reopened = found(await reopenEvent(database, { scopeId: scope.id, id }, clock.now()));
      if (reopened.ok) await queues.enqueue('stripe-events', { scopeId: scope.id, id });
      return one(reopened, viewEvent);
    }),
    replayRoute(dependencies),
  ];
}

function replayRoute({ database, clock, queues }: Dependencies): Route {
  return managementRoute({
    method: 'post', path: '/api/v1/stripe-events/replay', permission: 'stripe:write', summary: 'Process all Stripe events again that a filter matches', input: replayRequest, answers: answersOne(replayed),
  }, async ({ scope, input: { dryRun, ...matching } }) => {
    const events: object[] = [];
    const onBatch = async (batch: StripeEventRow[]) => {
      events.push(...batch.slice(0, MOST_SHOWN - events.length).map(viewEvent));
      if (!dryRun) await Promise.all(batch.map(({ id }) => queues.enqueue('stripe-events', { scopeId: scope.id, id })));
    };
    const count = await replayEvents(database, { scope, filter: matching, dryRun }, onBatch, clock.now());
    return one(ok({ count, events }), (value) => value);
  });
}

function found(event: StripeEventRow | null): Result<StripeEventRow> {
  return event ? ok(event) : notFound();
}

function viewEvent(event: StripeEventRow): object {
  const { id, type, livemode, apiVersion, objectId, createdAt, receivedAt, processedAt, attempts, outcome, reason, lastError } = event;
  return { id, type, livemode, apiVersion, objectId, createdAt, receivedAt, processedAt, attempts, outcome, reason, lastError };
}
