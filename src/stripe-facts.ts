import type { Sighting, StripeFact } from './billing/core/facts.ts';
import { hasEnded } from './billing/core/last-truth.ts';
import { readCheckoutSession } from './billing/core/read-checkout-session.ts';
import { readCustomer } from './billing/core/read-customer.ts';
import { readInvoice } from './billing/core/read-invoice.ts';
import { sightingOf } from './billing/core/read-stripe.ts';
import { readSubscription } from './billing/core/read-subscription.ts';
import type { Read } from './billing/core/stripe-shapes.ts';
import type { StripeReader } from './stripe.ts';

/** What Stripe's API says now, as facts. */

/**
 * How Stripe shows the object of a fact at `asOf`, the moment before the fetch began, with what comes along. A subscription that
 * has ended can change no more and is not fetched.
 */
export async function fetchFacts(stripe: StripeReader, fact: StripeFact, asOf: Date): Promise<Sighting[]> {
  return fact.kind === 'subscription' && hasEnded(fact.status) ? [] : fetchObject(stripe, fact, asOf);
}

/** The same of a whole purchase, which is named by its subscription, its checkout session or its invoice. */
export async function fetchPurchase(stripe: StripeReader, purchaseId: string, asOf: Date): Promise<Sighting[]> {
  const kind = purchaseId.startsWith('sub_') ? 'subscription' : purchaseId.startsWith('cs_') ? 'checkout_session' : 'invoice';
  return fetchObject(stripe, { kind, id: purchaseId }, asOf);
}

async function fetchObject(stripe: StripeReader, { kind, id }: Pick<StripeFact, 'kind' | 'id'>, asOf: Date): Promise<Sighting[]> {
  const read = (await readings(stripe, kind, id)).flatMap((reading) => (reading.ok ? [reading.fact] : []));
  return read.map((found) => sightingOf(found, asOf));
}

async function readings(stripe: StripeReader, kind: StripeFact['kind'], id: string): Promise<Read[]> {
  switch (kind) {
    case 'subscription': {
      const object = await stripe.subscription(id);
      return [readSubscription(object), readInvoice(partOf(object, 'latest_invoice')), readCustomer(partOf(object, 'customer'))];
    }
    case 'invoice':
      return [readInvoice(await stripe.invoice(id))];
    case 'checkout_session':
      return [readCheckoutSession(await stripe.checkoutSession(id))];
    case 'customer':
      return [readCustomer(await stripe.customer(id))];
  }
}

/** An expanded part of an object; what was not expanded reads as nothing. */
function partOf(object: unknown, name: string): unknown {
  return object !== null && typeof object === 'object' ? Object.entries(object).find(([key]) => key === name)?.[1] : null;
}
