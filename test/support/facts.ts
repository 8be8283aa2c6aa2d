import type { ChargeFact, CheckoutSessionFact, DisputeFact, InvoiceFact, InvoiceLine, RefundFact, StripeFact, SubscriptionFact, SubscriptionItem } from '../../src/billing/core/facts.ts';
import { completeMapping, type Mapping } from '../../src/billing/core/mapping.ts';
import type { Issued, LicensePlan, Purchase } from '../../src/billing/core/purchase.ts';
import type { Known, Marks } from '../../src/billing/core/sighting.ts';
import { entryOf } from '../../src/billing/core/timeline.ts';

/** Builders of facts for the pure tests: sound by default, so that a test names only what it is about. */

/** Noon of a day of January 2026 (or later: day 40 is in February). */
export function day(n: number): string {
  return new Date(Date.UTC(2026, 0, n, 12)).toISOString();
}

export const at = (n: number): Date => new Date(day(n));

export function item(change: Partial<SubscriptionItem> = {}): SubscriptionItem {
  return { id: 'si_1', priceId: 'price_1', productId: 'prod_1', quantity: 1, periodStart: day(1), periodEnd: day(31), metered: false, ...change };
}

export function subscription(change: Partial<SubscriptionFact> = {}): SubscriptionFact {
  return {
    kind: 'subscription', id: 'sub_1', customerId: 'cus_1', status: 'active', items: [item()], sendsInvoice: false,
    partial: false, cancelAt: null, cancelAtPeriodEnd: false, endedAt: null, trialEnd: null, pauseBehavior: null, ...change,
  };
}

export function line(change: Partial<InvoiceLine> = {}): InvoiceLine {
  return { id: 'il_1', priceId: 'price_1', productId: 'prod_1', quantity: 1, periodStart: day(1), periodEnd: day(31), subscriptionItemId: 'si_1', amount: 1900, proration: false, ...change };
}

export function invoice(change: Partial<InvoiceFact> & { through?: string } = {}): InvoiceFact {
  const { through = day(31), ...rest } = change;
  return {
    kind: 'invoice', id: 'in_1', customerId: 'cus_1', subscriptionId: 'sub_1', status: 'paid', billingReason: 'subscription_create',
    email: null, name: null, createdAt: day(1), dueAt: null, paidAt: null, hostedUrl: null, amountPaid: 1900, paymentIds: [], partial: false,
    lines: [line({ periodEnd: through })],
    ...rest,
  };
}

export function session(change: Partial<CheckoutSessionFact> = {}): CheckoutSessionFact {
  return {
    kind: 'checkout_session', id: 'cs_1', customerId: null, subscriptionId: null, invoiceId: null, paymentIntentId: 'pi_1', amountTotal: 1900, mode: 'payment', paymentStatus: 'paid',
    email: 'jo@example.com', name: 'Jo', lineItems: [{ id: 'li_1', priceId: 'price_1', productId: 'prod_1', quantity: 1 }], ...change,
  };
}

export function charge(change: Partial<ChargeFact> = {}): ChargeFact {
  return { kind: 'charge', id: 'ch_1', customerId: null, paymentIntentId: 'pi_1', invoiceId: null, amount: 1900, amountRefunded: 0, refunds: null, ...change };
}

export function refund(change: Partial<RefundFact> = {}): RefundFact {
  return { kind: 'refund', id: 're_1', chargeId: 'ch_1', paymentIntentId: 'pi_1', amount: 1900, status: 'succeeded', ...change };
}

export function dispute(change: Partial<DisputeFact> = {}): DisputeFact {
  return { kind: 'dispute', id: 'dp_1', chargeId: 'ch_1', paymentIntentId: 'pi_1', status: 'needs_response', ...change };
}

export function known<Fact extends StripeFact>(fact: Fact, { asOf = day(1), marks = {} }: { asOf?: string; marks?: Marks } = {}): Known<Fact> {
  return { fact, asOf, marks };
}

/** A subscription as it is, and as it was seen at `at` and before: each sight as `standing` and what it showed. */
export function seen(fact: SubscriptionFact, at = day(1), ...before: [at: string, fact: SubscriptionFact][]): Known<SubscriptionFact> {
  return known(fact, { asOf: at, marks: { timeline: [...before.map(([moment, then]) => entryOf(then, moment)), entryOf(fact, at)] } });
}

export function purchase(change: Partial<Purchase> = {}): Purchase {
  return { id: 'sub_1', subscription: null, invoices: [], session: null, money: [], ...change };
}

export function mapping(change: Partial<Mapping> = {}): Mapping {
  return { ...completeMapping({ policyId: 'policy-1', stripePriceId: 'price_1' }), id: 'mapping-1', createdAt: at(1), expirationStrategy: 'RESTRICT_ACCESS', ...change };
}

/** The license that a plan made, as the next projection finds it. */
export function issued(plan: LicensePlan): Issued {
  const { itemId, unit, priceId, seats, billing } = plan;
  return { itemId, unit, priceId, seats, billing, mappingId: plan.mapping.id, vendorExpiresAt: null };
}
