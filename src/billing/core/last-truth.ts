import { disputeStatuses, type InvoiceFact, type RefundStatus, type StripeFact } from './facts.ts';
import type { Marks, Sighting, Stored } from './sighting.ts';
import { mergeTimelines } from './timeline.ts';

/**
 * Which of two readings of one object is the last truth (section 3 of the Stripe contract): the one further along the
 * object's life, whatever two clocks say; at the same stage the later `asOf`; within one second, where Stripe's clock
 * tells nothing, anything over `*.created`, and then the one whose past agrees with what is stored. Where an event does not
 * tell its object's past, the choice is arbitrary but the same in every order.
 */
export function supersedes(sighting: Sighting, stored: Stored | null): boolean {
  if (stored === null) return true;
  const ahead = stage(sighting.fact) - stage(stored.fact);
  if (ahead !== 0) return ahead > 0;
  if (sighting.asOf !== stored.asOf) return sighting.asOf > stored.asOf;
  if (sighting.first || stored.first) return stored.first && !sighting.first;
  return sighting.previous === null ? canonical(sighting.fact) > canonical(stored.fact) : canonical(sighting.previous) === canonical(stored.fact);
}

/** Marks only move one way or add up, so their merge does not depend on the order they come in. */
export function mergeMarks(a: Marks, b: Marks): Marks {
  const merged: Marks = { ...a };
  for (const name of ['failedAt', 'emailChangedAt'] as const) {
    const seen = [a[name], b[name]].filter((moment) => moment !== undefined).sort();
    if (seen[0] !== undefined) merged[name] = seen[0];
  }
  const trialEndTold = [a.trialEndTold, b.trialEndTold].filter((end) => end !== undefined).sort().at(-1);
  if (trialEndTold !== undefined) merged.trialEndTold = trialEndTold;
  if (a.timeline || b.timeline) merged.timeline = mergeTimelines(a.timeline ?? [], b.timeline ?? []);
  return merged;
}

/** How far along its life an object is. Stripe never takes an object back to an earlier stage. */
function stage(fact: StripeFact): number {
  switch (fact.kind) {
    case 'subscription':
      return fact.status === 'incomplete' ? 0 : hasEnded(fact.status) ? 2 : 1;
    case 'invoice':
      return 2 * lifeOfInvoice.indexOf(fact.status) + (fact.paymentIds.length === 0 ? 0 : 1);
    case 'checkout_session':
      return (fact.paymentStatus === 'unpaid' ? 0 : 2) + (fact.lineItems === null ? 0 : 1);
    case 'refund':
      return stageOfRefund(fact.status);
    case 'dispute':
      return fact.status === 'won' ? disputeStatuses.indexOf('lost') : disputeStatuses.indexOf(fact.status);
    case 'customer':
    case 'charge':
    case 'invoice_payment':
      return 0;
  }
}

const lifeOfInvoice: InvoiceFact['status'][] = ['draft', 'open', 'uncollectible', 'paid', 'void'];

/** A refund that succeeded may still fail; none comes back. */
export function stageOfRefund(status: RefundStatus): number {
  return status === 'succeeded' ? 1 : status === 'pending' || status === 'requires_action' ? 0 : 2;
}

/** Stripe's two last words on a subscription; nothing is fetched after them. */
export function hasEnded(status: string): boolean {
  return status === 'canceled' || status === 'incomplete_expired';
}

/** A fact as text, its fields in one order, so that one read from the database compares with one just read. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
