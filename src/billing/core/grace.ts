import type { InvoiceFact, Known, SubscriptionItem } from './facts.ts';
import { paidThroughOf } from './payment.ts';
import type { SubscriptionPurchase } from './purchase.ts';

const DAY_MS = 86_400_000;

/**
 * When grace ends, or null when nothing is owed. The anchor is the first failure of the oldest unpaid renewal invoice
 * and is fixed: a retry never moves it. The first payment of a subscription has no grace.
 */
export function graceOf(purchase: SubscriptionPurchase, item: SubscriptionItem, gracePeriodDays: number): Date | null {
  const { fact, asOf } = purchase.subscription;
  const [oldest] = purchase.invoices.filter(isUnpaidRenewal).sort((a, b) => (a.fact.createdAt < b.fact.createdAt ? -1 : 1));
  const failedAt = oldest?.marks.failedAt;
  const owing = fact.status === 'past_due' || fact.status === 'unpaid';
  // An active subscription that was seen after the failure has settled it; one seen before has yet to say past_due.
  const failedSince = fact.status === 'active' && failedAt !== undefined && failedAt >= asOf;
  const settled = oldest === undefined && paidThroughOf(purchase, item) >= item.periodEnd;
  if (settled || (!owing && !failedSince)) return null;
  const anchor = failedAt ?? oldest?.fact.createdAt ?? item.periodStart;
  return new Date(new Date(anchor).getTime() + gracePeriodDays * DAY_MS);
}

function isUnpaidRenewal({ fact, marks }: Known<InvoiceFact>): boolean {
  const unpaid = fact.status === 'open' || fact.status === 'uncollectible';
  return unpaid && fact.billingReason !== 'subscription_create' && (marks.failedAt !== undefined || fact.billingReason === 'subscription_cycle');
}
