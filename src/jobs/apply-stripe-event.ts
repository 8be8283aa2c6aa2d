import { applyStripeEvent } from '../billing/apply-stripe-event.ts';
import type { Sighting, StripeFact } from '../billing/core/facts.ts';
import { hasEnded } from '../billing/core/last-truth.ts';
import { readCheckoutSession } from '../billing/core/read-checkout-session.ts';
import { readCustomer } from '../billing/core/read-customer.ts';
import { readInvoice } from '../billing/core/read-invoice.ts';
import { readEvent, sightingOf } from '../billing/core/read-stripe.ts';
import { readSubscription } from '../billing/core/read-subscription.ts';
import type { Read } from '../billing/core/stripe-shapes.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { beginAttempt, type EventRef, failEvent } from '../inbox.ts';
import type { LicenseKeys } from '../licensing/license-key.ts';
import type { Logger } from '../logger.ts';
import type { Queues } from '../queues.ts';
import type { StripeReader } from '../stripe.ts';
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
  stripeOf: (scope: Scope) => StripeReader | null;
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

async function apply(dependencies: ApplyDependencies, ref: EventRef, payload: string): Promise<void> {
  const { clock, log, queues, scopeOf, stripeOf } = dependencies;
  const scope = await scopeOf(ref.scopeId);
  const read = readEvent(payload, scope.mode);
  const stripe = stripeOf(scope);
  const fetched = read.ok && stripe ? await fetchObject(stripe, read.sighting.fact, clock.now()) : [];
  const applied = await applyStripeEvent(dependencies, { scope, eventId: ref.id }, fetched, clock.now());
  if (applied.finding) log.info({ eventId: ref.id, finding: applied.finding.code }, 'stripe event applied');
  for (const id of applied.messageIds) await queues.enqueue('messages', { id });
}

/** How Stripe's API shows the object of a fact at `asOf`, the moment before the fetch began, with what came along. */
async function fetchObject(stripe: StripeReader, fact: StripeFact, asOf: Date): Promise<Sighting[]> {
  const read = (await readings(stripe, fact)).flatMap((reading) => (reading.ok ? [reading.fact] : []));
  return read.map((found) => sightingOf(found, asOf));
}

async function readings(stripe: StripeReader, fact: StripeFact): Promise<Read[]> {
  switch (fact.kind) {
    case 'subscription': {
      if (hasEnded(fact.status)) return [];
      const object = await stripe.subscription(fact.id);
      return [readSubscription(object), readInvoice(partOf(object, 'latest_invoice')), readCustomer(partOf(object, 'customer'))];
    }
    case 'invoice':
      return [readInvoice(await stripe.invoice(fact.id))];
    case 'checkout_session':
      return [readCheckoutSession(await stripe.checkoutSession(fact.id))];
    case 'customer':
      return [readCustomer(await stripe.customer(fact.id))];
  }
}

/** An expanded part of an object; what was not expanded reads as nothing. */
function partOf(object: unknown, name: string): unknown {
  return object !== null && typeof object === 'object' ? Object.entries(object).find(([key]) => key === name)?.[1] : null;
}
