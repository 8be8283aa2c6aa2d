import type { RequestHandler } from 'express';
import { Gauge, Registry } from 'prom-client';
import { outcomes } from '../billing/core/outcome.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { countEvents, oldestPendingEvent } from '../inbox.ts';
import { countMessages, oldestPendingMessage } from '../outbox.ts';

/** However often and by however many it is scraped, the database is asked once in this time. */
const REFRESH_MS = 5_000;

/** How the inbox and the outbox stand, for Prometheus. */
export function metrics({ database, clock }: { database: Database; clock: Clock }): RequestHandler {
  let held: { page: Promise<string>; staleAt: number } | null = null;
  return async (_request, response) => {
    if (held === null || performance.now() >= held.staleAt) {
      held = { page: readPage(database, clock.now()), staleAt: performance.now() + REFRESH_MS };
      held.page.catch(() => (held = null));
    }
    response.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await held.page);
  };
}

async function readPage(database: Database, now: Date): Promise<string> {
  const register = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) => new Gauge({ name, help, labelNames, registers: [register] });
  const events = gauge('tillkey_stripe_events', 'Stripe events in the inbox, by mode and by what became of them', ['mode', 'outcome']);
  for (const mode of ['live', 'test']) for (const outcome of ['pending', ...outcomes]) events.set({ mode, outcome }, 0);
  for (const { mode, outcome, count } of await countEvents(database)) events.inc({ mode, outcome: outcome ?? 'pending' }, count);
  gauge('tillkey_stripe_events_oldest_pending_seconds', 'Age of the oldest Stripe event that is not done; 0 when all are').set(age(await oldestPendingEvent(database), now));

  const messages = gauge('tillkey_messages', 'Messages in the outbox that are not sent yet, or were given up', ['state']);
  const { pending, failed } = await countMessages(database);
  messages.set({ state: 'pending' }, pending);
  messages.set({ state: 'failed' }, failed);
  gauge('tillkey_messages_oldest_pending_seconds', 'Age of the oldest message that is not sent yet; 0 when all are').set(age(await oldestPendingMessage(database), now));
  return register.metrics();
}

function age(since: Date | null, now: Date): number {
  return since === null ? 0 : Math.max(0, (now.getTime() - since.getTime()) / 1000);
}
