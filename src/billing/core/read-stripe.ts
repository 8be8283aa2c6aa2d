import { z } from 'zod';
import type { Marks, Sighting, StripeFact } from './facts.ts';
import { finding, type Finding } from './outcome.ts';
import { readCheckoutSession } from './read-checkout-session.ts';
import { readCustomer } from './read-customer.ts';
import { readInvoice } from './read-invoice.ts';
import { readSubscription } from './read-subscription.ts';
import { id, isoOf, type Read, storable, text } from './stripe-shapes.ts';

/**
 * Any Stripe payload of any version, 2020-08-27 to today's, read by its shape and never by its version string
 * (section 3 of the Stripe contract). Each Stripe object has one reader; each event type names its reader.
 */

/** Which reader each taken event type needs. Every other type is `ignored`. */
type Reader = (object: unknown) => Read;

/** Our own: a subscription that reconciliation found to differ from what was stored. */
export const RECONCILED = 'tillkey.subscription_reconciled';

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
  'customer.subscription.trial_will_end': readSubscription,
  'invoice.paid': readInvoice,
  'invoice.payment_failed': readInvoice,
  'invoice.payment_action_required': readInvoice,
  'invoice.finalization_failed': readInvoice,
  'invoice.voided': readInvoice,
  'invoice.marked_uncollectible': readInvoice,
  'invoice.overpaid': readInvoice,
  'customer.updated': readCustomer,
  'customer.deleted': readCustomer,
  [RECONCILED]: readSubscription,
};

/** The types of events that Stripe is asked for: those with a reader, but for our own. */
export const stripeEventTypes: readonly string[] = Object.keys(readers).filter((type) => type !== RECONCILED);

const eventShape = z.looseObject({
  id: z.string().min(1).max(255),
  object: z.string(),
  type: z.string().max(255),
  livemode: z.boolean(),
  created: z.union([z.number(), z.string()]),
  api_version: text,
  account: text,
  data: z.looseObject({ object: z.looseObject({ id }), previous_attributes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  related_object: z.looseObject({ id }).nullish(),
});

type StripeEvent = z.output<typeof eventShape>;

/** What is kept of an event besides its bytes. Null when the text is not a Stripe event at all. */
export type Envelope = {
  id: string;
  type: string;
  livemode: boolean;
  apiVersion: string | null;
  objectId: string | null;
  createdAt: Date;
};

export function readEnvelope(payload: string): Envelope | null {
  const event = parseEvent(payload);
  if (event === null) return null;
  const createdAt = typeof event.created === 'number' ? new Date(event.created * 1000) : new Date(event.created);
  if (Number.isNaN(createdAt.getTime())) return null;
  return {
    id: event.id,
    type: event.type,
    livemode: event.livemode,
    apiVersion: event.api_version,
    objectId: event.data?.object.id ?? event.related_object?.id ?? null,
    createdAt,
  };
}

/** What came of reading an event: what it says of its object, or why it says nothing to us. */
export type ReadEvent = { ok: true; sighting: Sighting } | { ok: false; finding: Finding };

/** Reads a verified event that arrived for `mode`. */
export function readEvent(payload: string, mode: 'live' | 'test'): ReadEvent {
  const event = parseEvent(payload);
  if (event === null) return { ok: false, finding: finding('shape_unknown', 'event') };
  const notOurs = whyIgnored(event, mode);
  if (notOurs) return { ok: false, finding: notOurs };
  const reader = Object.hasOwn(readers, event.type) ? readers[event.type] : undefined;
  if (!reader) return { ok: false, finding: finding('type_not_taken', event.type) };
  const read = reader(event.data?.object);
  return read.ok ? { ok: true, sighting: sightingIn(event, read.fact, reader) } : read;
}

function whyIgnored(event: StripeEvent, mode: 'live' | 'test'): Finding | null {
  if (event.livemode !== (mode === 'live')) return finding('other_mode', event.livemode ? 'live' : 'test');
  if (event.account !== null) return finding('other_account', event.account);
  return event.object === 'v2.core.event' ? finding('thin_event') : null;
}

function sightingIn(event: StripeEvent, fact: StripeFact, reader: Reader): Sighting {
  const asOf = typeof event.created === 'number' ? isoOf(event.created) : event.created;
  const before = event.data?.previous_attributes;
  const previous = before ? reader(overlay(event.data?.object, before)) : null;
  const changed = fact.kind === 'customer' && before?.['email'] !== undefined ? { emailChangedAt: asOf } : {};
  return { fact, asOf, marks: { ...marksOf(fact, event.type, asOf), ...changed }, first: event.type.endsWith('.created'), previous: previous?.ok ? previous.fact : null };
}

/** An object fetched from Stripe's API, as it was when the fetch began. */
export function sightingOf(fact: StripeFact, asOf: Date): Sighting {
  return { fact, asOf: asOf.toISOString(), marks: marksOf(fact, '', asOf.toISOString()), first: false, previous: null };
}

function marksOf(fact: StripeFact, type: string, asOf: string): Marks {
  if (fact.kind === 'subscription' && fact.status === 'active') return { activeAt: asOf };
  if (fact.kind === 'subscription' && fact.status === 'trialing') return { trialingAt: asOf };
  return type === 'invoice.payment_failed' ? { failedAt: asOf } : {};
}

function parseEvent(payload: string): StripeEvent | null {
  try {
    const parsed: unknown = JSON.parse(payload, (_name, value: unknown) => (typeof value === 'string' ? storable(value) : value));
    const event = eventShape.safeParse(parsed);
    return event.success ? event.data : null;
  } catch {
    return null;
  }
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

