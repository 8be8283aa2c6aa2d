import type { CheckoutSessionFact, InvoiceFact, Known, Marks, StripeFact, SubscriptionFact, SubscriptionItem } from '../../src/billing/core/facts.ts';
import { completeMapping, type Mapping } from '../../src/billing/core/mapping.ts';
import type { Issued, LicensePlan, Purchase } from '../../src/billing/core/purchase.ts';

/** Builders of facts for the pure tests: sound by default, so that a test names only what it is about. */

/** Noon of a day of January 2026 (or later: day 40 is in February). */
export function day(n: number): string {
  return new Date(Date.UTC(2026, 0, n, 12)).toISOString();
}

export const at = (n: number): Date => new Date(day(n));

export function item(change: Partial<SubscriptionItem> = {}): SubscriptionItem {
  return { id: 'si_1', priceId: 'price_1', productId: 'prod_1', quantity: 1, periodStart: day(1), periodEnd: day(31), ...change };
}

export function subscription(change: Partial<SubscriptionFact> = {}): SubscriptionFact {
  return {
    kind: 'subscription', id: 'sub_1', customerId: 'cus_1', status: 'active', items: [item()], sendsInvoice: false,
    partial: false, cancelAt: null, cancelAtPeriodEnd: false, endedAt: null, trialEnd: null, pauseBehavior: null, ...change,
  };
}

export function invoice(change: Partial<InvoiceFact> & { through?: string } = {}): InvoiceFact {
  const { through = day(31), ...rest } = change;
  return {
    kind: 'invoice', id: 'in_1', customerId: 'cus_1', subscriptionId: 'sub_1', status: 'paid', billingReason: 'subscription_create',
    email: null, name: null, createdAt: day(1), dueAt: null, paidAt: null,
    lines: [{ id: 'il_1', priceId: 'price_1', productId: 'prod_1', periodStart: day(1), periodEnd: through, subscriptionItemId: 'si_1', amount: 1900 }],
    ...rest,
  };
}

export function session(change: Partial<CheckoutSessionFact> = {}): CheckoutSessionFact {
  return {
    kind: 'checkout_session', id: 'cs_1', customerId: null, subscriptionId: null, mode: 'payment', paymentStatus: 'paid',
    email: 'jo@example.com', name: 'Jo', lineItems: [{ id: 'li_1', priceId: 'price_1', productId: 'prod_1', quantity: 1 }], ...change,
  };
}

export function known<Fact extends StripeFact>(fact: Fact, { asOf = day(1), marks = {} }: { asOf?: string; marks?: Marks } = {}): Known<Fact> {
  return { fact, asOf, marks };
}

export function purchase(change: Partial<Purchase> = {}): Purchase {
  return { id: 'sub_1', subscription: null, invoices: [], session: null, ...change };
}

export function mapping(change: Partial<Mapping> = {}): Mapping {
  return { ...completeMapping({ policyId: 'policy-1', stripePriceId: 'price_1' }), id: 'mapping-1', expirationStrategy: 'RESTRICT_ACCESS', ...change };
}

/** The license that a plan made, as the next projection finds it. */
export function issued(plan: LicensePlan): Issued {
  const { itemId, unit, priceId, seats, billing } = plan;
  return { itemId, unit, priceId, seats, billing, mappingId: plan.mapping.id, expiresAt: plan.expiresAt === 'POLICY' ? null : plan.expiresAt };
}
