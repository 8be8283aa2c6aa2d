import { applyStripeEvent } from '../billing/apply-stripe-event.ts';
import { finding } from '../billing/core/outcome.ts';
import { type ReadEvent, readEvent } from '../billing/core/read-stripe.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { beginAttempt, type EventRef, failEvent, thickenEvent } from '../inbox.ts';
import type { LicenseKeys } from '../licensing/license-key.ts';
import type { Logger } from '../logger.ts';
import type { Queues } from '../queues.ts';
import type { StripeReader } from '../stripe.ts';
import { fetchClassic, fetchFacts } from '../stripe-facts.ts';
import { attempt } from './attempt.ts';
import { backoffMs, dueAfter, MOST_EVENT_ATTEMPTS } from './backoff.ts';

export type ApplyDependencies = {
  database: Database;
  keys: LicenseKeys;
  slackHours: number;
  clock: Clock;
  log: Logger;
  queues: Pick<Queues, 'enqueue'>;
  scopeOf: (scopeId: number) => Promise<Scope>;
  /** Null: no API key is configured, and what events carry is all that is known. */
  stripeOf: (scope: Scope) => Promise<StripeReader | null>;
};

/** One attempt at an event: fetch what it speaks of, apply it, enqueue what is then owed. A failure is put off, or given up. */
export async function applyStripeEventJob(dependencies: ApplyDependencies, ref: EventRef): Promise<void> {
  const { database, clock, log, queues } = dependencies;
  const event = await beginAttempt(database, ref, (attempts) => dueAfter(attempts, clock.now()));
  if (event === null) return;
  const result = await attempt(() => apply(dependencies, ref, event.payload));
  if (result.ok) return;
  const { error } = result;
  log.error({ eventId: ref.id, attempts: event.attempts, error }, 'stripe event not applied');
  if (event.attempts >= MOST_EVENT_ATTEMPTS) await failEvent(database, ref, error, clock.now());
  else await queues.enqueue('stripe-events', ref, backoffMs(event.attempts));
}

async function apply(dependencies: ApplyDependencies, ref: EventRef, stored: string): Promise<void> {
  const { clock, log, queues, scopeOf, stripeOf } = dependencies;
  const scope = await scopeOf(ref.scopeId);
  const stripe = await stripeOf(scope);
  const read = await readCompleted(dependencies, { ref, scope, stripe }, stored);
  const fetched = stripe === null ? null : read.ok ? await fetchFacts(stripe, read.sighting.fact, clock.now()) : [];
  const applied = await applyStripeEvent(dependencies, { scope, eventId: ref.id, read }, fetched, clock.now());
  if (applied.finding) log.info({ eventId: ref.id, finding: applied.finding.code }, 'stripe event applied');
  for (const id of applied.messageIds) await queues.enqueue('messages', { id });
}

type Asking = { ref: EventRef; scope: Scope; stripe: StripeReader | null };

/** What the event says; a thin one is first completed, and stored so, where there is a key to ask with. */
async function readCompleted({ database }: ApplyDependencies, { ref, scope, stripe }: Asking, stored: string): Promise<ReadEvent> {
  const read = readEvent(stored, scope.mode);
  if (stripe === null || read.ok || read.finding.code !== 'thin_event') return read;
  const classic = await fetchClassic(stripe, stored);
  if (classic === null) return { ok: false, finding: finding('object_gone') };
  await thickenEvent(database, ref, classic);
  return readEvent(classic, scope.mode);
}
