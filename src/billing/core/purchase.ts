import type { Billing } from '../../licensing/core/billing.ts';
import type { CheckoutSessionFact, InvoiceFact, Known, SubscriptionFact } from './facts.ts';
import type { Mapping } from './mapping.ts';

/** Everything known of one purchase: a subscription with its invoices, or a one-time checkout session. */
export type Purchase = {
  id: string;
  subscription: Known<SubscriptionFact> | null;
  invoices: Known<InvoiceFact>[];
  session: Known<CheckoutSessionFact> | null;
};

/** A license that exists for a unit of the purchase. */
export type Issued = { itemId: string; unit: number; mappingId: string; priceId: string | null; seats: number | null; billing: Billing; expiresAt: Date | null };

/** What one license should be. `POLICY` leaves the expiry to the policy's duration, counted from the issue. */
export type LicensePlan = {
  itemId: string;
  unit: number;
  mapping: Mapping;
  priceId: string | null;
  /** Machines this license may run on, where the quantity says so. */
  seats: number | null;
  billing: Billing;
  expiresAt: Date | 'POLICY';
};

export type SubscriptionPurchase = Purchase & { subscription: Known<SubscriptionFact> };
