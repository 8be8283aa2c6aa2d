import { placesOf, thickened } from './billing/core/envelope.ts';
import type { MoneyFact, StripeFact } from './billing/core/facts.ts';
import { hasEnded } from './billing/core/last-truth.ts';
import { finding, type Finding } from './billing/core/outcome.ts';
import { readCheckoutSession } from './billing/core/read-checkout-session.ts';
import { readCustomer } from './billing/core/read-customer.ts';
import { readInvoice } from './billing/core/read-invoice.ts';
import { readCharge, readDispute, readInvoicePayment, readRefund } from './billing/core/read-money.ts';
import { type ReadEvent, readEvent, sightingOf } from './billing/core/read-stripe.ts';
import { readSubscription } from './billing/core/read-subscription.ts';
import type { Sighting } from './billing/core/sighting.ts';
import type { Read } from './billing/core/stripe-shapes.ts';
import type { Scope } from './database/scope.ts';
import type { StripeReader } from './stripe.ts';

/** What Stripe's API says now, as facts. */

/**
 * How Stripe shows the object of a fact at `asOf`, the moment before the fetch began, with what comes along. A subscription that
 * has ended can change no more and is not fetched.
 */
export async function fetchFacts(stripe: StripeReader, fact: StripeFact, asOf: Date): Promise<Sighting[]> {
  if (fact.kind === 'subscription' && hasEnded(fact.status)) return [];
  return sightings(await readings(stripe, fact), asOf);
}

/** The same of a whole purchase, which is named by its subscription, its checkout session or its invoice. */
export async function fetchPurchase(stripe: StripeReader, purchaseId: string, asOf: Date): Promise<Sighting[]> {
  const read = purchaseId.startsWith('sub_') ? subscriptionReadings : purchaseId.startsWith('cs_') ? sessionReadings : invoiceReadings;
  return sightings(await read(stripe, purchaseId), asOf);
}

/**
 * A subscription with all its invoices, and what is wrong with it where it cannot be read. Null: Stripe has no such
 * subscription (any more).
 */
export async function fetchSubscription(stripe: StripeReader, id: string, asOf: Date): Promise<{ sightings: Sighting[]; unread: Finding | null } | null> {
  const object = await stripe.subscription(id);
  if (object === null) return null;
  const own = readSubscription(object);
  const parts = [...partsOfSubscription(object), ...(await stripe.invoicesOf(id)).map(readInvoice)];
  return { sightings: sightings([own, ...parts], asOf), unread: own.ok ? null : own.finding };
}

/** What a payload says; a thin one is first completed, where there is a key to ask with. `classic` is what it became then, for whoever keeps it. */
export async function readCompleted(stripe: StripeReader | null, payload: string, mode: Scope['mode']): Promise<{ read: ReadEvent; classic: string | null }> {
  const read = readEvent(payload, mode);
  if (stripe === null || read.ok || read.finding.code !== 'thin_event') return { read, classic: null };
  const classic = await fetchClassic(stripe, payload);
  return { read: classic === null ? { ok: false, finding: finding('object_gone') } : readEvent(classic, mode), classic };
}

/**
 * A thin event as the classic one that Stripe keeps, else as one around the object that it names. Null: it is not thin, or
 * Stripe has neither (any more).
 */
async function fetchClassic(stripe: StripeReader, payload: string): Promise<string | null> {
  const places = placesOf(payload);
  if (places === null) return null;
  const classic = places.snapshotId === null ? null : await stripe.event(places.snapshotId);
  if (classic !== null) return JSON.stringify(classic);
  const object = places.objectPath === null ? null : await stripe.objectAt(places.objectPath);
  return object === null ? null : thickened(payload, object);
}

function sightings(read: Read[], asOf: Date): Sighting[] {
  return read.flatMap((reading) => (reading.ok ? [sightingOf(reading.fact, asOf)] : []));
}

async function readings(stripe: StripeReader, fact: StripeFact): Promise<Read[]> {
  switch (fact.kind) {
    case 'subscription':
      return subscriptionReadings(stripe, fact.id);
    case 'invoice':
      return invoiceReadings(stripe, fact.id);
    case 'checkout_session':
      return sessionReadings(stripe, fact.id);
    case 'customer':
      return [readCustomer(await stripe.customer(fact.id))];
    case 'charge':
    case 'refund':
    case 'dispute':
    case 'invoice_payment':
      return moneyReadings(stripe, fact);
  }
}

async function subscriptionReadings(stripe: StripeReader, id: string): Promise<Read[]> {
  const object = await stripe.subscription(id);
  return [readSubscription(object), ...partsOfSubscription(object)];
}

function partsOfSubscription(object: unknown): Read[] {
  return [readInvoice(partOf(object, 'latest_invoice')), readCustomer(partOf(object, 'customer'))];
}

async function invoiceReadings(stripe: StripeReader, id: string): Promise<Read[]> {
  return [readInvoice(await stripe.invoice(id))];
}

async function sessionReadings(stripe: StripeReader, id: string): Promise<Read[]> {
  return [readCheckoutSession(await stripe.checkoutSession(id))];
}

/** The object itself, the charge it is about, and the invoices that its payment paid. */
async function moneyReadings(stripe: StripeReader, fact: MoneyFact): Promise<Read[]> {
  const chargeId = fact.kind === 'charge' ? fact.id : fact.chargeId;
  const own = fact.kind === 'refund' ? [readRefund(await stripe.refund(fact.id))] : fact.kind === 'dispute' ? [readDispute(await stripe.dispute(fact.id))] : [];
  const charge = chargeId === null ? [] : [readCharge(await stripe.charge(chargeId))];
  const [told] = charge.flatMap((read) => (read.ok ? [read.fact.paymentIntentId] : []));
  const intentId = fact.paymentIntentId ?? told ?? null;
  const payments = intentId === null ? [] : (await stripe.paymentsBy(intentId)).map(readInvoicePayment);
  return [...own, ...charge, ...payments.filter((read) => read.ok && read.fact.paymentIntentId === intentId)];
}

/** An expanded part of an object; what was not expanded reads as nothing. */
function partOf(object: unknown, name: string): unknown {
  return object !== null && typeof object === 'object' ? Object.entries(object).find(([key]) => key === name)?.[1] : null;
}
