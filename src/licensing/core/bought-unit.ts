import type { Billing } from './billing.ts';

/** What billing says of a license: the unit that was bought, on which terms, and where it was bought. */
export type BoughtUnit = {
  purchaseId: string;
  itemId: string;
  unit: number;
  mappingId: string;
  policyId: string;
  entitlementIds: string[];
  priceId: string | null;
  seats: number | null;
  billing: Billing;
  expiresAt: Date | 'POLICY';
  customerId: string | null;
  stripeCustomerId: string | null;
  stripeSubscriptionId: string | null;
  stripeCheckoutSessionId: string | null;
};
