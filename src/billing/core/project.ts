import { type Mapping, nameOf } from './mapping.ts';
import { finding, type Finding } from './outcome.ts';
import type { Issued, LicensePlan, Purchase, SubscriptionPurchase, Unit } from './purchase.ts';
import { consequenceOf, eitherOf, type Reversal, reversalOf } from './reversal.ts';
import { subscribedUnits } from './subscribed-units.ts';
import { reversalOfUnit, type Terms, termsOfSubscription } from './subscription-terms.ts';
import { isLive, mappingFor, MOST_UNITS, orderOf, type Position, soldBeside, unitsOf } from './units.ts';

/**
 * What Tillkey does, on one page: the facts of a purchase, in whatever order they came, say which units were bought, and what
 * the license of each should be. Sections 3 and 4 of the Stripe contract.
 *
 * - Which units: `subscribed-units.ts` for a subscription, `units.ts` for what is bought once.
 * - On which terms: `subscription-terms.ts` with `payment.ts` (until when it is paid) and `grace.ts` (what happens when it is not).
 * - Refunds and disputes lie over that: `reversal.ts`.
 */

/** The licenses that should be, what to tell the operator, and the invoices whose payment came too late. */
export type Projection = { plans: LicensePlan[]; finding: Finding; paidAfterEnd: string[] };

export function project(purchase: Purchase, mappings: Mapping[], issued: Issued[], now: Date): Projection {
  const projection = projectWhole(purchase, mappings, issued, now);
  const { plans } = projection;
  if (plans.length <= MOST_UNITS) return projection;
  return { ...projection, plans: plans.filter((plan) => issued.some((license) => isSameUnit(license, plan))), finding: finding('too_many_units', String(MOST_UNITS + 1)) };
}

function projectWhole(purchase: Purchase, mappings: Mapping[], issued: Issued[], now: Date): Projection {
  if (purchase.subscription) return projectSubscription({ ...purchase, subscription: purchase.subscription }, mappings, issued, now);
  const order = isSubscribed(purchase) ? 'unpaid' : orderOf(purchase, issued);
  if (order === 'unpaid') return nothing(finding('nothing_due'));
  if (order === 'unknown') return nothing(finding('line_items_missing'));
  return projectOrder(purchase, order, { mappings, issued });
}

/** Its invoices and sessions may be told of before the subscription is. */
function isSubscribed({ session, invoices }: Purchase): boolean {
  return session?.fact.mode === 'subscription' || invoices.some(({ fact }) => fact.subscriptionId !== null);
}

function projectSubscription(purchase: SubscriptionPurchase, mappings: Mapping[], issued: Issued[], now: Date): Projection {
  const beside = soldBeside(purchase);
  const { units, unmapped, movedAway } = subscribedUnits(purchase, mappings, issued.filter(({ itemId }) => beside.every(({ id }) => id !== itemId)));
  const due = units.map((unit) => planFor(unit, termsOfSubscription(purchase, unit, now)));
  const subscribed = due.map((plan) => reversed(revokedAtEnd(plan, issued, now), reversalOfUnit(purchase, plan)));
  const plans = [...subscribed, ...beside.flatMap((position) => plansForGood(position, reversalOfLine(purchase, position.id), { mappings, issued }))];
  const staysRevoked = due.some((plan, n) => isLive(plan) && subscribed[n] !== undefined && !isLive(subscribed[n]));
  return {
    plans,
    finding: staysRevoked ? finding('revoked_stays') : findingOf(plans, unmapped, movedAway),
    paidAfterEnd: plans.length > 0 ? paidAfterEnd(purchase) : [],
  };
}

/** A one-time purchase: each unit of each mapped line, once it is paid for, for as long as its policy says. */
function projectOrder(purchase: Purchase, order: Position[], { mappings, issued }: { mappings: Mapping[]; issued: Issued[] }): Projection {
  const { session, invoices, money } = purchase;
  const reversal = eitherOf([...(session ? [session] : []), ...invoices].map((paid) => reversalOf(paid, money)));
  const plans = order.flatMap((position) => plansForGood(position, reversal, { mappings, issued }));
  const cut = invoices.find(({ fact }) => fact.partial && order.some(({ id }) => fact.lines.some((line) => line.id === id)));
  return { plans, finding: cut ? finding('lines_missing', cut.fact.id) : findingOf(plans, order, []), paidAfterEnd: [] };
}

function plansForGood(position: Position, reversal: Reversal, { mappings, issued }: { mappings: Mapping[]; issued: Issued[] }): LicensePlan[] {
  const mapping = mappingFor(position, mappings, issued.find(({ itemId }) => itemId === position.id));
  return mapping ? unitsOf(position, mapping).map((unit) => reversed(planFor(unit, forGood), reversal)) : [];
}

function reversalOfLine({ invoices, money }: Purchase, lineId: string): Reversal {
  return eitherOf(invoices.filter(({ fact }) => fact.lines.some(({ id }) => id === lineId)).map((invoice) => reversalOf(invoice, money)));
}

const forGood: Terms = {
  billing: { state: 'ACTIVE', reason: null, renews: false, graceEndsAt: null, cancelsAt: null, paidThrough: null },
  expiresAt: 'POLICY',
};

function planFor({ goneAt: _, ...unit }: Unit, terms: Terms): LicensePlan {
  return { ...unit, ...terms };
}

/** Money that went back outranks what else billing says, but for an end: that can only be revoked, and once. */
function reversed(plan: LicensePlan, reversal: Reversal): LicensePlan {
  const consequence = consequenceOf(reversal, plan.mapping);
  const { state } = plan.billing;
  if (consequence === null || state === 'REVOKED' || (state === 'ENDED' && consequence.state === 'SUSPENDED')) return plan;
  return { ...plan, billing: { ...plan.billing, ...consequence, renews: false } };
}

/** Under a REVOKE policy the effective end, which the vendor may have put off, revokes, and nothing that comes later revives. */
function revokedAtEnd(plan: LicensePlan, issued: Issued[], now: Date): LicensePlan {
  const before = issued.find((license) => isSameUnit(license, plan));
  const extended = before?.vendorExpiresAt != null && before.vendorExpiresAt > now;
  const ended = plan.billing.state === 'ENDED' && plan.expiresAt !== 'POLICY' && now >= plan.expiresAt && !extended;
  if (before && wasRevokedAtEnd(before)) return { ...plan, billing: { ...plan.billing, state: 'REVOKED', reason: before.billing.reason, renews: false } };
  return ended && plan.mapping.expirationStrategy === 'REVOKE' ? { ...plan, billing: { ...plan.billing, state: 'REVOKED' } } : plan;
}

function wasRevokedAtEnd(license: Issued): boolean {
  return license.billing.state === 'REVOKED' && !isLive(license);
}

function isSameUnit(a: { itemId: string; unit: number }, b: { itemId: string; unit: number }): boolean {
  return a.itemId === b.itemId && a.unit === b.unit;
}

/** Invoices that were paid after the subscription had ended. They revive nothing. */
function paidAfterEnd({ subscription, invoices }: SubscriptionPurchase): string[] {
  const { endedAt } = subscription.fact;
  return invoices.filter(({ fact }) => endedAt !== null && fact.paidAt !== null && fact.paidAt > endedAt).map(({ fact }) => fact.id);
}

function findingOf(plans: LicensePlan[], unmapped: Position[], movedAway: Position[]): Finding {
  if (plans.some(isLive) && movedAway.length > 0) return finding('price_change_unmapped', movedAway.map(nameOf).join(', '));
  if (plans.length > 0) return finding('licenses_current');
  return unmapped.length > 0 ? finding('price_unmapped', unmapped.map(nameOf).join(', ')) : finding('nothing_due');
}

function nothing(why: Finding): Projection {
  return { plans: [], finding: why, paidAfterEnd: [] };
}
