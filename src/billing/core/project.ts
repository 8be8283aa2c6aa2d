import type { Billing, BillingReason } from '../../licensing/core/billing.ts';
import type { CheckoutSessionFact, SubscriptionItem } from './facts.ts';
import { graceOf } from './grace.ts';
import { type Bought, findMapping, type Mapping } from './mapping.ts';
import { finding, type Finding } from './outcome.ts';
import { paidThroughOf, wasEverDue } from './payment.ts';
import type { Issued, LicensePlan, Purchase, SubscriptionPurchase } from './purchase.ts';

/**
 * What Tillkey does, on one page: the facts of a purchase, in whatever order they came, say what each of its licenses
 * should be. Sections 3 and 4 of the Stripe contract.
 */

/** The licenses that should be, what to tell the operator, and the invoices whose payment came too late. */
export type Projection = { plans: LicensePlan[]; finding: Finding; paidAfterEnd: string[] };

export function project(purchase: Purchase, mappings: Mapping[], issued: Issued[], now: Date): Projection {
  if (purchase.subscription) return projectSubscription({ ...purchase, subscription: purchase.subscription }, mappings, issued, now);
  if (purchase.session?.fact.mode === 'payment') return projectPayment(purchase.session.fact, mappings, issued);
  const alone = purchase.invoices.some(({ fact }) => fact.subscriptionId === null);
  return nothing(finding(alone ? 'invoice_alone' : 'nothing_due'));
}

function projectSubscription(purchase: SubscriptionPurchase, mappings: Mapping[], issued: Issued[], now: Date): Projection {
  const plans: LicensePlan[] = [];
  const unmapped: SubscriptionItem[] = [];
  const movedAway: SubscriptionItem[] = [];
  for (const item of purchase.subscription.fact.items) {
    const before = issued.filter((license) => license.itemId === item.id);
    const mapping = asIssued(findMapping(mappings, item) ?? keptMapping(mappings, before[0], item), before[0], item);
    if (mapping && (before.length > 0 || wasEverDue(purchase, item, mapping))) {
      plans.push(...unitsOf(item, mapping, planOf(purchase, item, mapping, now)));
    } else if (!mapping) {
      (before.length > 0 ? movedAway : unmapped).push(item);
      plans.push(...keptAsTheyAre(before, mappings, (kept) => planOf(purchase, item, kept, now)));
    }
  }
  plans.push(...endedPlans(purchase, mappings, issued, plans));
  return {
    plans: plans.map((plan) => keepRevoked(plan, issued, now)),
    finding: staysRevoked(plans, issued) ? finding('revoked_stays') : findingOf(plans, unmapped, movedAway),
    paidAfterEnd: plans.length > 0 ? paidAfterEnd(purchase) : [],
  };
}

/** A mapping switched off issues nothing new, and goes on serving the licenses it issued for the same price. */
function keptMapping(mappings: Mapping[], before: Issued | undefined, item: SubscriptionItem): Mapping | undefined {
  return before && before.priceId === item.priceId ? mappings.find(({ id }) => id === before.mappingId) : undefined;
}

/** An edited mapping changes no issued license: whether a unit is a license or a seat stays as it was issued, while the price stays. */
function asIssued(mapping: Mapping | undefined, before: Issued | undefined, bought: Bought): Mapping | undefined {
  if (!mapping || !before || before.priceId !== bought.priceId || !isLive(before)) return mapping;
  return { ...mapping, quantityMode: before.seats === null ? 'LICENSES' : 'SEATS' };
}

type Terms = Pick<LicensePlan, 'billing' | 'expiresAt'>;

/** LICENSES: a license a unit. SEATS: one license for all units. */
function unitsOf(bought: Bought & { id: string; quantity: number }, mapping: Mapping, terms: Terms): LicensePlan[] {
  const perUnit = mapping.quantityMode === 'LICENSES';
  const count = perUnit ? bought.quantity : Math.min(bought.quantity, 1);
  const seats = perUnit ? null : bought.quantity * mapping.seatsPerUnit;
  return Array.from({ length: count }, (_, unit) => ({ itemId: bought.id, unit, mapping, priceId: bought.priceId, seats, ...terms }));
}

/** What was issued for an item that moved to an unmapped price: as many licenses, seats and terms as before the move. */
function keptAsTheyAre(before: Issued[], mappings: Mapping[], termsUnder: (mapping: Mapping) => Terms): LicensePlan[] {
  return before.filter(isLive).flatMap(({ itemId, unit, mappingId, priceId, seats }) => {
    const mapping = mappings.find(({ id }) => id === mappingId);
    return mapping ? [{ itemId, unit, mapping, priceId, seats, ...termsUnder(mapping) }] : [];
  });
}

function isLive({ billing }: { billing: Billing }): boolean {
  return billing.state !== 'ENDED' && billing.state !== 'REVOKED';
}

function planOf(purchase: SubscriptionPurchase, item: SubscriptionItem, mapping: Mapping, now: Date): Terms {
  const { fact } = purchase.subscription;
  const paidThrough = paidThroughOf(purchase, item);
  const cancelsAt = fact.cancelAt ?? (fact.cancelAtPeriodEnd ? item.periodEnd : null);
  const grace = graceOf(purchase, item, mapping.gracePeriodDays);
  const billing = (state: Billing['state'], reason: BillingReason | null): Terms => {
    const renews = state === 'ACTIVE' && cancelsAt === null;
    return {
      billing: { state, reason, renews, graceEndsAt: grace, cancelsAt: dateOf(cancelsAt), paidThrough: dateOf(paidThrough) },
      expiresAt: new Date(paidThrough),
    };
  };
  switch (fact.status) {
    case 'canceled':
    case 'incomplete_expired': {
      const ended = { state: 'ENDED', reason: 'CANCELED', renews: false, graceEndsAt: null, cancelsAt: null } as const;
      return { billing: { ...ended, paidThrough: dateOf(paidThrough) }, expiresAt: new Date(fact.endedAt ?? purchase.subscription.asOf) };
    }
    case 'paused':
      return billing('SUSPENDED', 'PAUSED');
    case 'incomplete':
    case 'trialing':
    case 'active':
    case 'past_due':
    case 'unpaid':
      if (pauses(mapping, fact.pauseBehavior)) return billing('SUSPENDED', 'PAUSED');
      if (grace) return billing(now < grace ? 'GRACE' : 'SUSPENDED', 'PAYMENT_FAILED');
      return billing('ACTIVE', fact.status === 'trialing' ? 'TRIAL' : null);
  }
}

function pauses(mapping: Mapping, behavior: string | null): boolean {
  if (behavior === null || mapping.onPauseCollection === 'KEEP') return false;
  return mapping.onPauseCollection === 'SUSPEND' || behavior === 'void';
}

/** Licenses whose item or unit is no longer on the subscription: they end now, or ended when they first did. */
function endedPlans(purchase: SubscriptionPurchase, mappings: Mapping[], issued: Issued[], plans: LicensePlan[]): LicensePlan[] {
  const planned = new Set(plans.map(({ itemId, unit }) => `${itemId} ${unit}`));
  const shown = new Set(purchase.subscription.fact.items.map(({ id }) => id));
  return issued
    .filter(({ itemId, unit }) => !planned.has(`${itemId} ${unit}`))
    .filter(({ itemId }) => shown.has(itemId) || !purchase.subscription.fact.partial)
    .flatMap((license) => {
      const mapping = mappings.find(({ id }) => id === license.mappingId);
      if (!mapping) return [];
      const billing: Billing = { ...license.billing, state: 'ENDED', reason: 'ITEM_REMOVED', renews: false, graceEndsAt: null, cancelsAt: null };
      const end = !isLive(license) && license.expiresAt ? license.expiresAt : new Date(purchase.subscription.asOf);
      return [{ itemId: license.itemId, unit: license.unit, mapping, priceId: license.priceId, seats: null, billing, expiresAt: end }];
    });
}

/** Under a REVOKE policy the effective end revokes, and nothing that comes later revives. */
function keepRevoked(plan: LicensePlan, issued: Issued[], now: Date): LicensePlan {
  const before = issued.find(({ itemId, unit }) => itemId === plan.itemId && unit === plan.unit);
  const ended = plan.billing.state === 'ENDED' && plan.expiresAt !== 'POLICY' && now >= plan.expiresAt;
  const revoked = before?.billing.state === 'REVOKED' || (ended && plan.mapping.expirationStrategy === 'REVOKE');
  return revoked ? { ...plan, billing: { ...plan.billing, state: 'REVOKED', renews: false } } : plan;
}

/** Whether what is paid for now is a license that a REVOKE policy took back. */
function staysRevoked(plans: LicensePlan[], issued: Issued[]): boolean {
  const revoked = issued.filter(({ billing }) => billing.state === 'REVOKED');
  return plans.some((plan) => isLive(plan) && revoked.some(({ itemId, unit }) => itemId === plan.itemId && unit === plan.unit));
}

/** Invoices that were paid after the subscription had ended. They revive nothing. */
function paidAfterEnd({ subscription, invoices }: SubscriptionPurchase): string[] {
  const { endedAt } = subscription.fact;
  return invoices.filter(({ fact }) => endedAt !== null && fact.paidAt !== null && fact.paidAt > endedAt).map(({ fact }) => fact.id);
}

function findingOf(plans: LicensePlan[], unmapped: Bought[], movedAway: Bought[]): Finding {
  if (plans.some(isLive) && movedAway.length > 0) return finding('price_change_unmapped', movedAway.map(nameOf).join(', '));
  if (plans.length > 0) return finding('licenses_current');
  return unmapped.length > 0 ? finding('price_unmapped', unmapped.map(nameOf).join(', ')) : finding('nothing_due');
}

/** A one-time purchase: each unit of each mapped line, once it is paid for. */
function projectPayment(session: CheckoutSessionFact, mappings: Mapping[], issued: Issued[]): Projection {
  if (session.paymentStatus === 'unpaid') return nothing(finding('nothing_due'));
  if (session.lineItems === null) return nothing(finding('line_items_missing'));
  const terms: Terms = {
    billing: { state: 'ACTIVE', reason: null, renews: false, graceEndsAt: null, cancelsAt: null, paidThrough: null },
    expiresAt: 'POLICY',
  };
  const plans = session.lineItems.flatMap((line) => {
    const before = issued.find(({ itemId }) => itemId === line.id);
    const mapping = asIssued(findMapping(mappings, line), before, line);
    return mapping ? unitsOf(line, mapping, terms) : [];
  });
  if (plans.length > 0) return { plans, finding: finding('licenses_current'), paidAfterEnd: [] };
  return nothing(finding('price_unmapped', session.lineItems.map(nameOf).join(', ')));
}

function nothing(why: Finding): Projection {
  return { plans: [], finding: why, paidAfterEnd: [] };
}

function nameOf({ priceId, productId }: Bought): string {
  return priceId ?? productId ?? 'an item without a price';
}

function dateOf(iso: string | null): Date | null {
  return iso === null ? null : new Date(iso);
}
