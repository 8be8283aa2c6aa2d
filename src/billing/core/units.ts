import type { Billing } from '../../licensing/core/billing.ts';
import type { InvoiceFact, InvoiceLine, LineItem } from './facts.ts';
import { type Bought, findMapping, type Mapping } from './mapping.ts';
import { isCredit } from './payment.ts';
import type { Issued, Purchase, SubscriptionPurchase, Unit } from './purchase.ts';

/** Which units a purchase bought, each of which gets one license: what all kinds of purchases share, and those made once. */

/** Something that was bought in a number of units: an item of a subscription, a line of a session or an invoice. */
export type Position = Bought & { id: string; quantity: number };

/** Licenses that one purchase gets at most: a quantity that anybody can type must not keep everybody else waiting. */
export const MOST_UNITS = 2_000;

/** LICENSES: a license a unit. SEATS: one license for all units. */
export function unitsOf(bought: Position, mapping: Mapping): Unit[] {
  const perUnit = mapping.quantityMode === 'LICENSES';
  const count = Math.min(bought.quantity, perUnit ? MOST_UNITS + 1 : 1);
  const seats = perUnit ? null : bought.quantity * mapping.seatsPerUnit;
  return Array.from({ length: count }, (_, unit) => ({ itemId: bought.id, unit, mapping, priceId: bought.priceId, seats, goneAt: null }));
}

/**
 * The mapping of what was bought. One that was switched off issues nothing new, and goes on serving the licenses it issued
 * for the same price; an edited one leaves an issued unit a license or a seat, whichever it was.
 */
export function mappingFor(bought: Bought, mappings: Mapping[], before: Issued | undefined): Mapping | undefined {
  const samePrice = before !== undefined && before.priceId === bought.priceId;
  const mapping = findMapping(mappings, bought) ?? (samePrice ? mappings.find(({ id }) => id === before.mappingId) : undefined);
  if (!mapping || !samePrice || !isLive(before)) return mapping;
  return { ...mapping, quantityMode: before.seats === null ? 'LICENSES' : 'SEATS' };
}

/** Whether it goes on, if only when its money comes back: it has not ended, and was not revoked for having ended. */
export function isLive({ billing: { state, reason } }: { billing: Billing }): boolean {
  return state !== 'ENDED' && (state !== 'REVOKED' || reason === 'REFUNDED' || reason === 'DISPUTED');
}

/**
 * The order of a one-time purchase: the lines of its checkout session, or of its invoice. Where both tell of it, the one whose
 * lines have licenses already goes on, so that nothing is issued twice.
 */
export function orderOf({ session, invoices }: Purchase, issued: Issued[]): Position[] | 'unpaid' | 'unknown' {
  const bySession = session !== null && session.fact.paymentStatus !== 'unpaid' ? session.fact.lineItems : null;
  const byInvoice = invoices.filter(({ fact }) => fact.status === 'paid').flatMap(({ fact }) => soldBy(fact));
  const invoiced = invoices.some(({ fact }) => fact.status === 'paid');
  if (invoiced && (bySession === null || byInvoice.some(({ id }) => issued.some(({ itemId }) => itemId === id)))) return byInvoice;
  if (bySession !== null) return bySession;
  return session === null || session.fact.paymentStatus === 'unpaid' ? 'unpaid' : 'unknown';
}

/** Credits and prorations settle what was sold before. */
function soldBy({ lines }: InvoiceFact): LineItem[] {
  return lines.filter((line) => !isCredit(line) && !line.proration).map(({ id, priceId, productId, quantity }) => ({ id, priceId, productId, quantity }));
}

/** What was bought once, together with a subscription: the lines of its paid invoices that are for no item of it. */
export function soldBeside({ subscription, invoices }: SubscriptionPurchase): Position[] {
  const items = [...subscription.fact.items, ...(subscription.marks.timeline ?? []).flatMap((entry) => entry.items)];
  const isBeside = ({ subscriptionItemId, priceId }: InvoiceLine) => subscriptionItemId === null && items.every((item) => item.priceId !== priceId);
  return invoices.filter(({ fact }) => fact.status === 'paid').flatMap(({ fact }) => soldBy({ ...fact, lines: fact.lines.filter(isBeside) }));
}
