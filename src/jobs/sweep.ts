import { keylessCodes } from '../billing/core/outcome.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { endpointsWithDue, reopenInterrupted } from '../deliveries.ts';
import { reopenWaiting, takeDueEvents } from '../inbox.ts';
import type { Logger } from '../logger.ts';
import { takeDueMessages } from '../outbox.ts';
import type { Queues } from '../queues.ts';

export type SweepDependencies = { database: Database; clock: Clock; log: Logger; queues: Pick<Queues, 'enqueue'> };

type StartDependencies = SweepDependencies & { stripeScopes: () => Promise<Scope[]> };

/** Rows put back in the queue at once; the next sweep takes the next ones. */
const BATCH = 1_000;
/** Later than any row is due. */
const END_OF_TIME = new Date('9999-12-31T00:00:00Z');
/** A row that was put back is left alone this long. */
const PUT_OFF_MS = 60_000;

/** Re-queues what was committed but not done and is due. */
export async function sweep({ database, clock, log, queues }: SweepDependencies, dueBefore: Date = clock.now()): Promise<void> {
  const nextDueAt = new Date(clock.now().getTime() + PUT_OFF_MS);
  const events = await takeDueEvents(database, nextDueAt, BATCH, dueBefore);
  const messages = await takeDueMessages(database, nextDueAt, BATCH, dueBefore);
  for (const event of events) await queues.enqueue('stripe-events', event);
  for (const id of messages) await queues.enqueue('messages', { id });
  // A lane that is awake already does no more for it, so these need not be put off.
  const endpointIds = await endpointsWithDue(database, clock.now());
  for (const endpointId of endpointIds) await queues.enqueue('deliveries', { endpointId });
  if (events.length + messages.length > 0) log.info({ events: events.length, messages: messages.length }, 'swept');
}

/**
 * What a process that was killed left undone need not wait until it is due: a starting worker takes it up at once. With
 * it go the events that waited for a Stripe key where there is one now.
 */
export async function takeUpUnfinished(dependencies: StartDependencies): Promise<void> {
  const { database, clock, stripeScopes } = dependencies;
  for (const scope of await stripeScopes()) await reopenWaiting(database, scope, keylessCodes, clock.now());
  await reopenInterrupted(database);
  await sweep(dependencies, END_OF_TIME);
}
