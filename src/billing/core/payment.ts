import type { InvoiceLine, SubscriptionItem } from './facts.ts';
import type { SubscriptionPurchase } from './purchase.ts';

type OfItem = Pick<SubscriptionItem, 'id' | 'priceId'>;

/** The lines of paid invoices that bill for an item. */
export function paidLines(purchase: SubscriptionPurchase, item: OfItem): InvoiceLine[] {
  return purchase.invoices
    .filter(({ fact }) => fact.status === 'paid')
    .flatMap(({ fact }) => fact.lines)
    .filter((line) => billsFor(line, item));
}

export function billsFor(line: InvoiceLine, item: OfItem): boolean {
  return line.subscriptionItemId === null ? line.priceId === item.priceId : line.subscriptionItemId === item.id;
}

/**
 * Until when an item is paid: the latest end of what its paid lines cover, and the trial's end. Before the first paid
 * invoice is known, Stripe's word that the subscription is in good standing covers the current period; no other does.
 */
export function paidThroughOf(purchase: SubscriptionPurchase, item: SubscriptionItem): string {
  const { status, trialEnd } = purchase.subscription.fact;
  const paid = paidUntil(purchase, item);
  // Usage is billed in arrears: who has paid for the periods that are over is in good standing for this one.
  if (item.metered && status === 'active' && (paid === null || paid >= item.periodStart)) return item.periodEnd;
  const onTrial = status === 'trialing' ? trialEnd : null;
  return latest([paid, onTrial]) ?? (status === 'active' ? item.periodEnd : item.periodStart);
}

/** The latest end of what the paid lines of an item cover; null when none was paid. */
export function paidUntil(purchase: SubscriptionPurchase, item: OfItem): string | null {
  const lines = paidLines(purchase, item);
  return latest(lines.map((line) => coveredUntil(line, lines, purchase.subscription.fact.trialEnd)));
}

function latest(moments: (string | null)[]): string | null {
  return moments.reduce((last, moment) => (last === null || (moment !== null && moment > last) ? moment : last), null);
}

/**
 * Where the cover of a line ends; null for a credit, which covers nothing. What a later line credits back is covered no more,
 * and the free line of a trial covers the trial and no more, also when the trial was ended before the line's period.
 */
export function coveredUntil(line: InvoiceLine, lines: InvoiceLine[], trialEnd: string | null): string | null {
  const { periodEnd } = line;
  if (isCredit(line)) return null;
  if (isOfTrial(line, trialEnd) && trialEnd !== null && trialEnd < periodEnd) return trialEnd;
  const creditedFrom = lines.filter((credit) => credits(credit, line)).map((credit) => credit.periodStart);
  return creditedFrom.reduce((earliest, start) => (start < earliest ? start : earliest), periodEnd);
}

/** The line that bills a trial, for nothing. A coupon leaves the amount of a line as it is. */
export function isOfTrial({ amount, periodStart }: InvoiceLine, trialEnd: string | null): boolean {
  return amount === 0 && trialEnd !== null && periodStart < trialEnd;
}

function credits(credit: InvoiceLine, line: InvoiceLine): boolean {
  return isCredit(credit) && credit.priceId === line.priceId && credit.periodEnd === line.periodEnd && credit.periodStart > line.periodStart;
}

export function isCredit({ amount }: InvoiceLine): boolean {
  return amount !== null && amount < 0;
}
