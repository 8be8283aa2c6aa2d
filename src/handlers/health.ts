import type { RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { areDeliveriesStuck, oldestPendingDelivery } from '../delivery-counts.ts';
import { countFailedEvents, oldestPendingEvent } from '../inbox.ts';
import { oldestPendingMessage } from '../outbox.ts';
import type { Queues } from '../queues.ts';

/** The process is up. */
export const healthz: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

/** Work that nobody has tried for longer than this means that nobody does any. What was tried waits for Stripe, the mail server or a vendor: no reason to serve no app. */
const STUCK_MS = 15 * 60_000;

type Asked = { database: Database; clock: Clock; queues: Pick<Queues, 'depths'> };

/**
 * Whether requests can be served: the database answers, its schema is current, and the inbox and the outboxes are not stuck. What is told besides
 * makes nothing unready: events that were given up, how long the oldest work has waited, and how full the queues are, which may be away.
 */
export function readyz({ database, clock, queues }: Asked): RequestHandler {
  return async (_request, response) => {
    const { checks, ...numbers } = await check(database, clock.now()).catch(() => ({ checks: { database: false }, failedEvents: null, oldestSeconds: null }));
    const ready = Object.values(checks).every(Boolean);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks, ...numbers, queues: await queues.depths() });
  };
}

async function check(database: Database, now: Date) {
  const ageOf = (since: Date | null) => (since === null ? 0 : Math.max(0, (now.getTime() - since.getTime()) / 1000));
  const isFresh = (since: Date | null) => ageOf(since) * 1000 < STUCK_MS;
  const checks: Record<string, boolean> = {
    database: true,
    migrations: (await database.migrator.getPending()).length === 0,
    inbox: isFresh(await oldestPendingEvent(database, { untried: true })),
    outbox: isFresh(await oldestPendingMessage(database, { untried: true })),
    deliveries: !(await areDeliveriesStuck(database, new Date(now.getTime() - STUCK_MS))),
  };
  const oldestSeconds = { inbox: ageOf(await oldestPendingEvent(database)), outbox: ageOf(await oldestPendingMessage(database)), deliveries: ageOf(await oldestPendingDelivery(database)) };
  return { checks, failedEvents: await countFailedEvents(database), oldestSeconds };
}
