import type { InvoiceLine, SubscriptionItem } from './facts.ts';
import type { Mapping } from './mapping.ts';
import type { SubscriptionPurchase } from './purchase.ts';

/**
 * Whether an item was ever paid for, or on a trial that issues. It is read from what can no longer change (paid lines,
 * marks), so that an event which comes after its subscription has ended still finds the license due.
 */
export function wasEverDue(purchase: SubscriptionPurchase, item: SubscriptionItem, mapping: Mapping): boolean {
  const { fact, marks } = purchase.subscription;
  if (paidLines(purchase, item).length > 0) return true;
  if (mapping.issueOnTrial && marks.trialingAt !== undefined) return true;
  const paidByNature = !fact.sendsInvoice || mapping.issueOnOpenInvoice;
  return paidByNature && marks.activeAt !== undefined;
}

/**
 * Until when an item is paid: the latest period end over its paid lines, and the trial's end. Before the first paid
 * invoice is known, Stripe's word that the subscription is in good standing covers the current period; no other does.
 */
export function paidThroughOf(purchase: SubscriptionPurchase, item: SubscriptionItem): string {
  const { status, trialEnd } = purchase.subscription.fact;
  const ends = paidLines(purchase, item).map((line) => coveredUntil(line, trialEnd));
  if (status === 'trialing' && trialEnd !== null) ends.push(trialEnd);
  if (ends.length === 0) ends.push(status === 'active' ? item.periodEnd : item.periodStart);
  return ends.reduce((latest, end) => (end > latest ? end : latest));
}

/** The free line of a trial covers the trial and no more, also when the trial was ended before the line's period. */
function coveredUntil({ amount, periodStart, periodEnd }: InvoiceLine, trialEnd: string | null): string {
  const ofTrial = amount === 0 && trialEnd !== null && periodStart < trialEnd && trialEnd < periodEnd;
  return ofTrial ? trialEnd : periodEnd;
}

function paidLines(purchase: SubscriptionPurchase, item: SubscriptionItem): InvoiceLine[] {
  return purchase.invoices
    .filter(({ fact }) => fact.status === 'paid')
    .flatMap(({ fact }) => fact.lines)
    .filter((line) => (line.subscriptionItemId === null ? line.priceId === item.priceId : line.subscriptionItemId === item.id));
}
