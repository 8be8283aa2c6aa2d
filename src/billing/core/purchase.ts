import type { Billing } from '../../licensing/core/billing.ts';
import type { CheckoutSessionFact, InvoiceFact, MoneyFact, SubscriptionFact } from './facts.ts';
import type { Mapping } from './mapping.ts';
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

/** A license that exists for a unit of the purchase. */
export type Issued = { itemId: string; unit: number; mappingId: string; priceId: string | null; seats: number | null; billing: Billing; expiresAt: Date | null };

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

/** The purchase that an invoice or session belongs to: a session that wrote an invoice is one purchase with it. */
export function purchaseIdOf(fact: InvoiceFact | CheckoutSessionFact | SubscriptionFact, others: (InvoiceFact | CheckoutSessionFact)[]): string {
  if (fact.kind !== 'invoice' || fact.subscriptionId !== null) return namesOf(fact).purchaseId ?? fact.id;
  const { paymentIds } = namesOf(fact);
  const writer = others.find((other) => other.kind === 'checkout_session' && other.mode === 'payment' && namesOf(other).paymentIds.some((id) => paymentIds.includes(id)));
  return writer?.id ?? fact.id;
}
