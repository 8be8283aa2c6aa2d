import type { Billing, BillingReason } from '../../licensing/core/billing.ts';
import type { InvoiceLine, SubscriptionItem } from './facts.ts';
import { graceOf } from './grace.ts';
import type { Mapping } from './mapping.ts';
import { billsFor, coveredUntil, isCredit, paidLines, paidThroughOf, paidUntil } from './payment.ts';
import type { LicensePlan, SubscriptionPurchase, Unit } from './purchase.ts';
import { eitherOf, type Reversal, reversalOf } from './reversal.ts';

/** On which terms a unit of a subscription is licensed now. */

export type Terms = Pick<LicensePlan, 'billing' | 'expiresAt'>;

export function termsOfSubscription(purchase: SubscriptionPurchase, unit: Unit, now: Date): Terms {
  const item = purchase.subscription.fact.items.find(({ id }) => id === unit.itemId);
  const { fact } = purchase.subscription;
  if (unit.goneAt !== null || item === undefined) {
    return ended('ITEM_REMOVED', { at: earliest(unit.goneAt, fact.endedAt) ?? purchase.subscription.asOf, paidThrough: paidUntil(purchase, { id: unit.itemId, priceId: unit.priceId }) });
  }
  if (fact.status === 'canceled' || fact.status === 'incomplete_expired') {
    return ended('CANCELED', { at: fact.endedAt ?? purchase.subscription.asOf, paidThrough: paidThroughOf(purchase, item) });
  }
  return termsWhileAlive(purchase, { item, mapping: unit.mapping }, now);
}

function ended(reason: BillingReason, { at, paidThrough }: { at: string; paidThrough: string | null }): Terms {
  const billing: Billing = { state: 'ENDED', reason, renews: false, graceEndsAt: null, cancelsAt: null, paidThrough: dateOf(paidThrough) };
  return { billing, expiresAt: new Date(at) };
}

function termsWhileAlive(purchase: SubscriptionPurchase, { item, mapping }: { item: SubscriptionItem; mapping: Mapping }, now: Date): Terms {
  const { status, cancelAt, cancelAtPeriodEnd, pauseBehavior } = purchase.subscription.fact;
  const paidThrough = paidThroughOf(purchase, item);
  const cancelsAt = cancelAt ?? (cancelAtPeriodEnd ? item.periodEnd : null);
  const graceEndsAt = graceOf(purchase, item, mapping.gracePeriodDays);
  const terms = (state: Billing['state'], reason: BillingReason | null): Terms => {
    // A renewal comes first where the cancellation is scheduled for after it.
    const renews = state === 'ACTIVE' && (cancelsAt === null || cancelsAt > paidThrough);
    return { billing: { state, reason, renews, graceEndsAt, cancelsAt: dateOf(cancelsAt), paidThrough: dateOf(paidThrough) }, expiresAt: new Date(paidThrough) };
  };
  if (status === 'paused' || pauses(mapping, pauseBehavior)) return terms('SUSPENDED', 'PAUSED');
  if (graceEndsAt) return terms(now < graceEndsAt ? 'GRACE' : 'SUSPENDED', 'PAYMENT_FAILED');
  return terms('ACTIVE', status === 'trialing' ? 'TRIAL' : null);
}

function pauses(mapping: Mapping, behavior: string | null): boolean {
  if (behavior === null || mapping.onPauseCollection === 'KEEP') return false;
  return mapping.onPauseCollection === 'SUSPEND' || behavior === 'void';
}

/** What became of the money for a unit: disputes of whatever ever paid for it, refunds of what paid its current period. */
export function reversalOfUnit(purchase: SubscriptionPurchase, { itemId, priceId }: Pick<Unit, 'itemId' | 'priceId'>): Reversal {
  const item = { id: itemId, priceId };
  const current = currentLines(purchase, item);
  const paid = purchase.invoices
    .filter(({ fact }) => fact.status === 'paid' && fact.lines.some((line) => billsFor(line, item)))
    .map((invoice) => ({ ...reversalOf(invoice, purchase.money), isCurrent: invoice.fact.lines.some((line) => current.has(line)) }));
  const { disputed, lost } = eitherOf(paid);
  return { disputed, lost, refunded: paid.some(({ refunded, isCurrent }) => refunded && isCurrent) };
}

/** The lines that paid for an item's current period: for whole periods, or where there are none for the rest of one. */
function currentLines(purchase: SubscriptionPurchase, item: { id: string; priceId: string | null }): Set<InvoiceLine> {
  const end = paidUntil(purchase, item);
  const lines = paidLines(purchase, item);
  // A credit for a change in mid-period takes nothing from what paid for the period as a whole.
  const reaching = lines.filter((line) => !isCredit(line) && (line.periodEnd === end || coveredUntil(line, lines, purchase.subscription.fact.trialEnd) === end));
  const whole = reaching.filter(({ proration }) => !proration);
  return new Set(whole.length > 0 ? whole : reaching);
}

function earliest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function dateOf(iso: string | null): Date | null {
  return iso === null ? null : new Date(iso);
}
