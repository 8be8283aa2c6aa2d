import { z } from 'zod';
import type { DomainEventRow } from '../../database/exchange-rows.ts';
import type { Database } from '../../database/orm.ts';
import type { Scope } from '../../database/scope.ts';
import { eventTypes } from '../../licensing/core/event.ts';
import { moment } from '../../licensing/core/moment.ts';
import { listEvents, readEvent } from '../../licensing/read-events.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const eventsQuery = pageQuery.extend({ type: z.enum(eventTypes).optional(), licenseId: z.uuid().optional(), createdAfter: moment.optional() });

const aboutData = `What it is about, as it then stood: the license (never its key), the machine, the customer or the Stripe event. A license comes with \`days\` where it ends soon, \`limit\` (\`{kind: "machines" or "uses", max, count}\`)
where the last of one was taken, and the vendor's \`reason\` where it was suspended for one. A validation is \`{valid, code, fingerprint, machineId, product, entitlements, license}\`.`;

const event = z.strictObject({
  id: shown.id, type: z.enum(eventTypes), createdAt: shown.time.meta({ description: 'When it happened: of test data, by the test clock.' }), livemode: z.boolean(),
  licenseId: shown.id.nullable().meta({ description: 'The license it is about, also of a machine or a validation; null for customers and Stripe events.' }),
  sequence: z.int().positive().nullable().meta({ description: 'Counts the events of one license from 1 without gaps, in the order in which they were written.' }),
  data: z.record(z.string(), z.unknown()).meta({ description: aboutData }),
}).meta({ id: 'Event' });

type Flushed = { flush(): Promise<void> };

export function eventRoutes({ database, validations, appEvents }: { database: Database; validations: Flushed; appEvents: Flushed }): Route[] {
  const path = '/api/v1/events';
  return [
    managementRoute({ method: 'get', path, permission: 'events:read', summary: 'List events', input: eventsQuery, answers: answersMany(event) }, async ({ scope, input }) => {
      const { limit, cursor, ...filter } = input;
      // What apps did here a moment ago is written down first, so that a reader sees it.
      await validations.flush();
      await appEvents.flush();
      return many(await listEvents(database, scope, filter, { limit, cursor }), (row) => viewEvent(row, scope));
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'events:read', summary: 'Read an event', input: noInput, answers: answersOne(event) }, async ({ scope, id }) =>
      one(await readEvent(database, scope, id), (row) => viewEvent(row, scope)),
    ),
  ];
}

function viewEvent({ id, type, createdAt, licenseId, sequence, data }: DomainEventRow, { mode }: Scope): object {
  return { id, type, createdAt, livemode: mode === 'live', licenseId, sequence, data };
}
