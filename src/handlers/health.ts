import type { RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { countFailedEvents, oldestPendingEvent } from '../inbox.ts';
import { oldestPendingMessage } from '../outbox.ts';

/** The process is up. */
export const healthz: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

/** Work that nobody has tried for longer than this means that nobody does any. What was tried waits for Stripe or the mail server: no reason to serve no app. */
const STUCK_MS = 15 * 60_000;

/**
 * Whether requests can be served: the database answers, its schema is current, and the inbox and outbox are not stuck. Events that were
 * given up are told and make nothing unready: somebody has to look at them, and meanwhile all others are done.
 */
export function readyz({ database, clock }: { database: Database; clock: Clock }): RequestHandler {
  return async (_request, response) => {
    const { checks, failedEvents } = await check(database, clock.now()).catch(() => ({ checks: { database: false }, failedEvents: null }));
    const ready = Object.values(checks).every(Boolean);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks, failedEvents });
  };
}

async function check(database: Database, now: Date): Promise<{ checks: Record<string, boolean>; failedEvents: number }> {
  const fresh = (since: Date | null) => since === null || now.getTime() - since.getTime() < STUCK_MS;
  const checks = {
    database: true,
    migrations: (await database.migrator.getPending()).length === 0,
    inbox: fresh(await oldestPendingEvent(database, { untried: true })),
    outbox: fresh(await oldestPendingMessage(database, { untried: true })),
  };
  return { checks, failedEvents: await countFailedEvents(database) };
}
