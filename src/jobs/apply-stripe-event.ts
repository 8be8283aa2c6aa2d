import { applyStripeEvent } from '../billing/apply-stripe-event.ts';
import type { StripeFact } from '../billing/core/facts.ts';
import { finding } from '../billing/core/outcome.ts';
import { type ReadEvent, TEST_CLOCK_READY } from '../billing/core/read-stripe.ts';
import type { Sighting } from '../billing/core/sighting.ts';
import { giveUpEvent } from '../billing/stamp-events.ts';
import { isFetchedSince } from '../billing/is-fetched-since.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { AppError, refuse } from '../errors.ts';
import { areOthersUntried, type Attempted, beginAttempt, type EventRef, putOffEvent, thickenEvent } from '../inbox.ts';
import type { LicenseKeys } from '../licensing/license-key.ts';
import type { Reminders } from '../licensing/licensing.ts';
import { moveTestClock } from '../licensing/move-test-clock.ts';
import type { Logger } from '../logger.ts';
import type { Queues } from '../queues.ts';
import type { StripeReader } from '../stripe.ts';
import { fetchFacts, readCompleted } from '../stripe-facts.ts';
import { attempt, type Failed } from './attempt.ts';
import { backoffMs, dueAfter, dueUnlessDone, MOST_EVENT_ATTEMPTS } from './backoff.ts';

export type ApplyDependencies = {
  database: Database;
  keys: LicenseKeys;
  slackHours: number;
  reminders: Reminders;
  clock: Clock;
  log: Logger;
  queues: Pick<Queues, 'enqueue'>;
  scopeOf: (scopeId: number) => Promise<Scope>;
  /** Null: no API key is configured, and what events carry is all that is known. */
  stripeOf: (scope: Scope) => Promise<StripeReader | null>;
  timeOf: (scope: Scope) => Promise<Date>;
};

/** One attempt at an event: fetch what it speaks of, apply it, enqueue what is then owed. A failure is put off, or given up. */
export async function applyStripeEventJob(dependencies: ApplyDependencies, ref: EventRef): Promise<void> {
  const event = await beginAttempt(dependencies.database, ref, dueUnlessDone(dependencies.clock.now()));
  if (event === null) return;
  const result = await attempt(() => apply(dependencies, ref, event));
  if (result.ok) return;
  if (result.outage) await waitForEnd(dependencies, ref, result);
  else await tryLater(dependencies, ref, { ...result, attempts: event.attempts });
}

/**
 * Of an outage no event runs out of attempts, and a buyer should not wait longer than it lasts: it is due at once, and each sweep
 * queues it again. A delayed job for each attempt would multiply with every repeated delivery.
 */
async function waitForEnd({ database, clock, log }: ApplyDependencies, ref: EventRef, failed: Failed): Promise<void> {
  log.debug({ eventId: ref.id, error: failed.error }, 'stripe event waits for the end of an outage');
  await putOffEvent(database, ref, failed, clock.now());
}

async function tryLater(dependencies: ApplyDependencies, ref: EventRef, failed: Failed & { attempts: number }): Promise<void> {
  const { database, clock, log, queues } = dependencies;
  const { error, attempts } = failed;
  log.error({ eventId: ref.id, attempts, error }, 'stripe event not applied');
  if (attempts >= MOST_EVENT_ATTEMPTS) return giveUpEvent(database, ref, error, clock.now());
  await putOffEvent(database, ref, failed, dueAfter(attempts, clock.now()));
  await queues.enqueue('stripe-events', ref, backoffMs(attempts));
}

async function apply(dependencies: ApplyDependencies, ref: EventRef, { payload, dueSince }: Attempted): Promise<void> {
  const { clock, database, log, queues, scopeOf, stripeOf, timeOf } = dependencies;
  const scope = await scopeOf(ref.scopeId);
  const stripe = await stripeOf(scope);
  const { read: told, classic } = await readCompleted(stripe, payload, scope.mode);
  if (classic !== null) await thickenEvent(database, ref, classic);
  const read = told.ok || told.clockTo === undefined ? told : await followClock(dependencies, { scope, ref, to: new Date(told.clockTo) }, told);
  const fetched = stripe === null ? null : read.ok ? await fetchUnlessKnown(dependencies, { scope, stripe, fact: read.sighting.fact }, dueSince) : [];
  const applied = await applyStripeEvent(dependencies, { scope, eventId: ref.id, read, realNow: clock.now() }, fetched, await timeOf(scope));
  if (applied.finding) log.info({ eventId: ref.id, finding: applied.finding.code }, 'stripe event processed');
  for (const id of applied.messageIds) await queues.enqueue('messages', { id });
}

/** How soon an event of a test clock that has to wait is tried again: a rehearsal goes on as soon as it may. */
const CLOCK_RETRY_MS = 1_000;

type Follow = { scope: Scope; ref: EventRef; to: Date };

/**
 * Moves the time of test data to where Stripe's test clock came, before the event is stamped: who dies on the way goes on when it is tried again. What
 * came with it happened before, so it waits for that, and for whoever is moving the clock; either ends, as an outage does.
 */
async function followClock(dependencies: ApplyDependencies, { scope, ref, to }: Follow, told: ReadEvent): Promise<ReadEvent> {
  const { database, clock, queues, timeOf } = dependencies;
  if (to <= (await timeOf(scope))) return told;
  const early = await areOthersUntried(database, ref, TEST_CLOCK_READY);
  const moved = early ? refuse('CONFLICT', 'Events that came before it are not applied yet.') : await moveTestClock(dependencies, { scope, to }, () => clock.now());
  if (!moved.ok && moved.refused === 'CONFLICT') {
    await queues.enqueue('stripe-events', ref, CLOCK_RETRY_MS);
    throw new AppError(moved.refused, 503, moved.message);
  }
  if (!moved.ok) return { ok: false, finding: finding('test_clock_refused', moved.message) };
  for (const id of moved.value) await queues.enqueue('messages', { id });
  return told;
}

type Wanted = { scope: Scope; stripe: StripeReader; fact: StripeFact };

async function fetchUnlessKnown({ database, clock }: ApplyDependencies, { scope, stripe, fact }: Wanted, dueSince: Date): Promise<Sighting[]> {
  const known = await isFetchedSince(database, { scope, objectId: fact.id }, dueSince);
  return known ? [] : fetchFacts(stripe, fact, clock.now());
}
