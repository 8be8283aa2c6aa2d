import type { Billing } from '../../licensing/core/billing.ts';
import type { CheckoutSessionFact, InvoiceFact, MoneyFact, StripeFact, SubscriptionFact } from './facts.ts';
import type { Bought, Mapping } from './mapping.ts';
import { namesOf } from './names.ts';
import type { Known } from './sighting.ts';

/**
 * Everything known of one purchase: a subscription with its invoices and checkout sessions, or a one-time purchase by a checkout
 * session, an invoice, or a session that wrote an invoice; and all that is known of the money paid for it.
 */
export type Purchase = {
  id: string;
  subscription: Known<SubscriptionFact> | null;
  invoices: Known<InvoiceFact>[];
  session: Known<CheckoutSessionFact> | null;
  money: Known<MoneyFact>[];
};

export type SubscriptionPurchase = Purchase & { subscription: Known<SubscriptionFact> };

/** A license that exists for a unit of the purchase; `vendorExpiresAt` is an end of the vendor's own. */
export type Issued = { itemId: string; unit: number; mappingId: string; priceId: string | null; seats: number | null; billing: Billing; vendorExpiresAt: Date | null };

/** A unit that was bought: it gets one license, and keeps it. */
export type Unit = {
  itemId: string;
  unit: number;
  mapping: Mapping;
  priceId: string | null;
  /** Machines its license may run on, where the quantity says so. */
  seats: number | null;
  /** When it left the purchase; null while it is part of it. */
  goneAt: string | null;
};

/** What one license should be. `POLICY` leaves the expiry to the policy's duration, counted from the issue. */
export type LicensePlan = Omit<Unit, 'goneAt'> & { billing: Billing; expiresAt: Date | 'POLICY' };

/** The purchases that facts belong to by themselves. */
export function purchaseIdsIn(facts: StripeFact[]): string[] {
  return [...new Set(facts.flatMap((fact) => purchaseIdOf(fact, facts) ?? []))].sort();
}

/** Everything that is known of one purchase, out of the facts that name it and those that speak of its payments. */
export function gatherPurchase(id: string, known: Known<StripeFact>[]): Purchase {
  const purchase: Purchase = { id, subscription: null, invoices: [], session: null, money: [] };
  const facts = known.map(({ fact }) => fact);
  for (const { fact, ...seen } of new Map(known.map((one) => [one.fact.id, one])).values()) {
    const mine = purchaseIdOf(fact, facts) === id;
    if (mine && fact.kind === 'subscription') purchase.subscription = { fact, ...seen };
    if (mine && fact.kind === 'invoice') purchase.invoices.push({ fact, ...seen });
    if (mine && fact.kind === 'checkout_session') purchase.session = { fact, ...seen };
    if (isMoney(fact)) purchase.money.push({ fact, ...seen });
  }
  return purchase;
}

/** Everything that the facts of a purchase say was bought, at any time. */
export function boughtIn({ subscription, session, invoices }: Purchase): Bought[] {
  const seen = (subscription?.marks.timeline ?? []).flatMap(({ items }) => items);
  return [...(subscription?.fact.items ?? []), ...seen, ...(session?.fact.lineItems ?? []), ...invoices.flatMap(({ fact }) => fact.lines)];
}

/** The purchase that a fact belongs to by itself. A session that wrote an invoice is one purchase with it. */
function purchaseIdOf(fact: StripeFact, others: StripeFact[]): string | null {
  const { purchaseId, paymentIds } = namesOf(fact);
  if (fact.kind !== 'invoice' || fact.subscriptionId !== null) return purchaseId;
  const writer = others.find((other) => other.kind === 'checkout_session' && other.mode === 'payment' && namesOf(other).paymentIds.some((id) => paymentIds.includes(id)));
  return writer?.id ?? purchaseId;
}

function isMoney(fact: StripeFact): fact is MoneyFact {
  return fact.kind === 'charge' || fact.kind === 'refund' || fact.kind === 'dispute' || fact.kind === 'invoice_payment';
}
