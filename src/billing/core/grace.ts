import type { InvoiceFact, SubscriptionItem } from './facts.ts';
import { paidThroughOf } from './payment.ts';
import type { SubscriptionPurchase } from './purchase.ts';
import type { Known } from './sighting.ts';

const DAY_MS = 86_400_000;

/**
 * When grace ends, or null when nothing is owed. The anchor is the first failure (of an invoice that is sent: the due
 * date) of the oldest renewal invoice unpaid since the last paid one, and is fixed: a retry never moves it. The first
 * payment of a subscription has no grace.
 */
export function graceOf(purchase: SubscriptionPurchase, item: SubscriptionItem, gracePeriodDays: number): Date | null {
  const { fact, asOf } = purchase.subscription;
  const oldest = oldestUnpaid(purchase);
  const failedAt = oldest?.marks.failedAt;
  const owing = fact.status === 'past_due' || fact.status === 'unpaid';
  // An active subscription that was seen after the failure has settled it; one seen before has yet to say past_due, unless
  // what was not paid is a change that then does not happen.
  const failedSince = fact.status === 'active' && oldest?.fact.billingReason === 'subscription_cycle' && failedAt !== undefined && failedAt >= asOf;
  const settled = oldest === undefined && paidThroughOf(purchase, item) >= item.periodEnd;
  if (settled || (!owing && !failedSince)) return null;
  const anchor = oldest ? owedSince(oldest) : item.periodStart;
  return new Date(new Date(anchor).getTime() + gracePeriodDays * DAY_MS);
}

/** The oldest renewal that is unpaid since the last paid one: what grace is about, and what the customer is asked to pay. */
export function oldestUnpaid({ invoices }: Pick<SubscriptionPurchase, 'invoices'>): Known<InvoiceFact> | undefined {
  return unpaidRenewals(invoices).sort((a, b) => (a.fact.createdAt < b.fact.createdAt ? -1 : 1))[0];
}

function owedSince({ fact, marks }: Known<InvoiceFact>): string {
  return marks.failedAt ?? fact.dueAt ?? fact.createdAt;
}

/** What was written off before a later invoice was paid is no longer owed. */
function unpaidRenewals(invoices: Known<InvoiceFact>[]): Known<InvoiceFact>[] {
  const paid = invoices.filter(({ fact }) => fact.status === 'paid').map(({ fact }) => fact.createdAt);
  return invoices.filter((invoice) => isUnpaidRenewal(invoice) && paid.every((createdAt) => createdAt <= invoice.fact.createdAt));
}

function isUnpaidRenewal({ fact, marks }: Known<InvoiceFact>): boolean {
  const unpaid = fact.status === 'open' || fact.status === 'uncollectible';
  return unpaid && fact.billingReason !== 'subscription_create' && (marks.failedAt !== undefined || fact.billingReason === 'subscription_cycle');
}
