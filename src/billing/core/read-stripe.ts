import { isThin, parseEvent, type StripeEvent } from './envelope.ts';
import type { StripeFact } from './facts.ts';
import { finding, type Finding } from './outcome.ts';
import { readCheckoutSession } from './read-checkout-session.ts';
import { readCustomer } from './read-customer.ts';
import { readInvoice } from './read-invoice.ts';
import { readCharge, readDispute, readRefund } from './read-money.ts';
import { readSubscription } from './read-subscription.ts';
import { readTestClock } from './read-test-clock.ts';
import type { Marks, Sighting } from './sighting.ts';
import type { Read } from './stripe-shapes.ts';
import { entryOf } from './timeline.ts';

/**
 * Any Stripe payload of any version, 2020-08-27 to today's, read by its shape and never by its version string
 * (section 3 of the Stripe contract). Each Stripe object has one reader; each event type names its reader.
 */

type Reader = (object: unknown) => Read | ReturnType<typeof readTestClock>;

/** Our own: a subscription that reconciliation found to differ from what was stored. */
export const RECONCILED = 'tillkey.subscription_reconciled';

/** There are no test clocks in live mode. */
const TEST_CLOCK_READY = 'test_helpers.test_clock.ready';

const TRIAL_WILL_END = 'customer.subscription.trial_will_end';

/** The event types that are taken (section 5), each with its reader. Every other type is `ignored`. */
const readers: Record<string, Reader> = {
  'checkout.session.completed': readCheckoutSession,
  'checkout.session.async_payment_succeeded': readCheckoutSession,
  'checkout.session.async_payment_failed': readCheckoutSession,
  'checkout.session.expired': readCheckoutSession,
  'customer.subscription.created': readSubscription,
  'customer.subscription.updated': readSubscription,
  'customer.subscription.deleted': readSubscription,
  'customer.subscription.paused': readSubscription,
  'customer.subscription.resumed': readSubscription,
  'customer.subscription.pending_update_applied': readSubscription,
  'customer.subscription.pending_update_expired': readSubscription,
  [TRIAL_WILL_END]: readSubscription,
  'invoice.paid': readInvoice,
  'invoice.payment_failed': readInvoice,
  'invoice.payment_action_required': readInvoice,
  'invoice.finalization_failed': readInvoice,
  'invoice.voided': readInvoice,
  'invoice.marked_uncollectible': readInvoice,
  'invoice.overpaid': readInvoice,
  'charge.refunded': readCharge,
  'refund.created': readRefund,
  'refund.updated': readRefund,
  'refund.failed': readRefund,
  'charge.dispute.created': readDispute,
  'charge.dispute.updated': readDispute,
  'charge.dispute.closed': readDispute,
  'customer.updated': readCustomer,
  'customer.deleted': readCustomer,
  [TEST_CLOCK_READY]: readTestClock,
  [RECONCILED]: readSubscription,
};

/** The types of events that Stripe is asked for: those with a reader, but for our own. */
export const stripeEventTypes: readonly string[] = Object.keys(readers).filter((type) => type !== RECONCILED);

/** What came of reading an event: what it says of its object, or why it says nothing to us. `clockTo`: the time that Stripe's test clock came to. */
export type ReadEvent = { ok: true; sighting: Sighting } | { ok: false; finding: Finding; clockTo?: string };

/** Reads a verified event that arrived for `mode`. */
export function readEvent(payload: string, mode: 'live' | 'test'): ReadEvent {
  const event = parseEvent(payload);
  if (event === null) return { ok: false, finding: finding('shape_unknown', 'event') };
  const notOurs = whyIgnored(event, mode);
  if (notOurs) return { ok: false, finding: notOurs };
  const reader = Object.hasOwn(readers, event.type) ? readers[event.type] : undefined;
  if (!reader || (event.type === TEST_CLOCK_READY && mode === 'live')) return { ok: false, finding: finding('type_not_taken', event.type) };
  if (isThin(event)) return { ok: false, finding: finding('thin_event') };
  const read = reader(event.data?.object);
  return read.ok ? { ok: true, sighting: sightingIn(event, read.fact, reader) } : read;
}

function whyIgnored(event: StripeEvent, mode: 'live' | 'test'): Finding | null {
  if (event.livemode !== (mode === 'live')) return finding('other_mode', event.livemode ? 'live' : 'test');
  return event.account === null ? null : finding('other_account', event.account);
}

function sightingIn(event: StripeEvent, fact: StripeFact, reader: Reader): Sighting {
  const asOf = event.created;
  const before = event.data?.previous_attributes;
  const previous = before ? reader(overlay(event.data?.object, before)) : null;
  const changed = fact.kind === 'customer' && before?.['email'] !== undefined ? { emailChangedAt: asOf } : {};
  return { fact, asOf, fetched: false, marks: { ...marksOf(fact, event.type, asOf), ...changed }, first: event.type.endsWith('.created'), previous: previous?.ok ? previous.fact : null };
}

/** An object fetched from Stripe's API, as it was when the fetch began. */
export function sightingOf(fact: StripeFact, asOf: Date): Sighting {
  return { fact, asOf: asOf.toISOString(), fetched: true, marks: marksOf(fact, '', asOf.toISOString()), first: false, previous: null };
}

function marksOf(fact: StripeFact, type: string, asOf: string): Marks {
  if (fact.kind === 'subscription') return { timeline: [entryOf(fact, asOf)], ...(type === TRIAL_WILL_END && fact.trialEnd !== null && { trialEndTold: fact.trialEnd }) };
  return type === 'invoice.payment_failed' ? { failedAt: asOf } : {};
}

/** The object before the event: `previous_attributes` laid over it, lists replaced whole as Stripe sends them. */
function overlay(current: unknown, previous: unknown): unknown {
  if (!isRecord(current) || !isRecord(previous)) return previous;
  const names = new Set([...Object.keys(current), ...Object.keys(previous)]);
  return Object.fromEntries([...names].map((name) => [name, Object.hasOwn(previous, name) ? overlay(current[name], previous[name]) : current[name]]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

