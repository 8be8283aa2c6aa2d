import type { InvoiceLine, SubscriptionItem } from './facts.ts';
import type { Mapping } from './mapping.ts';
import { billsFor, isOfTrial } from './payment.ts';
import type { Issued, SubscriptionPurchase, Unit } from './purchase.ts';
import type { TimelineEntry } from './sighting.ts';
import { goneSince } from './timeline.ts';
import { isLive, mappingFor, type Position, unitsOf } from './units.ts';

/**
 * Which units a subscription ever bought: those it has now, and those it had while they were due, with the moment they went.
 * What it had is read from what can no longer change (paid lines, the timeline), so that an event which comes last still
 * finds the license that it would have found had it come first.
 */
export type SubscribedUnits = { units: Unit[]; unmapped: Position[]; movedAway: Position[] };

/** An item as far as it is known: as it is now, unless it is gone, and as it was seen. */
type ItemHistory = { id: string; now: SubscriptionItem | null; seen: Sight[]; before: Issued[] };
type Sight = Position & Pick<TimelineEntry, 'at' | 'heardAt' | 'standing'>;

export function subscribedUnits(purchase: SubscriptionPurchase, mappings: Mapping[], issued: Issued[]): SubscribedUnits {
  const found: SubscribedUnits = { units: [], unmapped: [], movedAway: [] };
  for (const item of itemsOf(purchase, issued)) {
    const held = heldUnits(purchase, item, mappings);
    found.units.push(...held, ...goneUnits(purchase, item, { mappings, held }));
    if (item.now && !mappingFor(item.now, mappings, item.before[0])) (held.length > 0 ? found.movedAway : found.unmapped).push(item.now);
  }
  return found;
}

function itemsOf({ subscription }: SubscriptionPurchase, issued: Issued[]): ItemHistory[] {
  const { fact, marks } = subscription;
  const timeline = marks.timeline ?? [];
  const ids = new Set([...fact.items, ...timeline.flatMap(({ items }) => items)].map(({ id }) => id).concat(issued.map(({ itemId }) => itemId)));
  return [...ids].map((id) => ({
    id,
    now: fact.items.find((item) => item.id === id) ?? null,
    seen: timeline.flatMap(({ items, ...when }) => items.filter((item) => item.id === id).map((item) => ({ ...item, ...when }))),
    before: issued.filter(({ itemId }) => itemId === id),
  }));
}

/** What the subscription has now. A price without a mapping leaves what was bought before it as it was. */
function heldUnits(purchase: SubscriptionPurchase, item: ItemHistory, mappings: Mapping[]): Unit[] {
  if (item.now === null) return [];
  const mapping = mappingFor(item.now, mappings, item.before[0]);
  if (mapping) return item.before.length > 0 || dueSince(purchase, item, mapping) !== null ? unitsOf(item.now, mapping) : [];
  return lastMapped(purchase, item, mappings) ?? issuedUnits(item.before.filter(isLive), mappings);
}

/** The units that have licenses, each as it was issued. */
function issuedUnits(before: Issued[], mappings: Mapping[]): Unit[] {
  return before.flatMap(({ itemId, unit, mappingId, priceId, seats }) => {
    const mapping = mappings.find(({ id }) => id === mappingId);
    return mapping ? [{ itemId, unit, mapping, priceId, seats, goneAt: null }] : [];
  });
}

/** What an item was before it moved to an unmapped price, also where the move was told of first. */
function lastMapped(purchase: SubscriptionPurchase, item: ItemHistory, mappings: Mapping[]): Unit[] | null {
  const mappingThen = (sight: Sight) => [mappingFor(sight, mappings, item.before[0])].find((mapping) => mapping && wasMapped(sight, mapping));
  const last = item.seen.findLast(mappingThen);
  const mapping = last && mappingThen(last);
  return mapping && (item.before.length > 0 || dueSince(purchase, item, mapping) !== null) ? unitsOf(last, mapping) : null;
}

/** What the subscription had and has no more: units that were issued, or were due when they were seen. */
function goneUnits(purchase: SubscriptionPurchase, item: ItemHistory, { mappings, held }: { mappings: Mapping[]; held: Unit[] }): Unit[] {
  const { fact, asOf, marks } = purchase.subscription;
  if (item.now === null && fact.partial) return [];
  const past = item.seen.flatMap((sight) => pastUnits(purchase, item, { sight, mappings }));
  const once = new Map([...issuedUnits(item.before, mappings), ...past].map((unit) => [unit.unit, unit]));
  for (const { unit } of held) once.delete(unit);
  const count = (sight: Position) => {
    const mapping = mappingFor(sight, mappings, item.before[0]);
    return mapping ? unitsOf(sight, mapping).length : null;
  };
  return [...once.values()].map((unit) => ({ ...unit, seats: null, goneAt: goneSince(marks.timeline ?? [], unit, count) ?? asOf }));
}

function pastUnits(purchase: SubscriptionPurchase, item: ItemHistory, { sight, mappings }: { sight: Sight; mappings: Mapping[] }): Unit[] {
  const mapping = mappingFor(sight, mappings, item.before[0]);
  const since = mapping ? dueSince(purchase, item, mapping) : null;
  const counts = since !== null && (sight.at > since || (sight.at === since && sight.standing !== 'other'));
  return mapping && counts && wasMapped(sight, mapping) ? unitsOf(sight, mapping) : [];
}

/** What was gone before its price was mapped was not bought as a license. */
function wasMapped({ heardAt }: Sight, { createdAt }: Mapping): boolean {
  return heardAt === undefined || heardAt >= createdAt.toISOString();
}

/** Since when an item is due: the first of its payments, or of the sights of it in a standing that issues. Null: it never was. */
function dueSince(purchase: SubscriptionPurchase, item: ItemHistory, { issueOnTrial, issueOnOpenInvoice }: Mapping): string | null {
  const { sendsInvoice, trialEnd } = purchase.subscription.fact;
  const paidByNature = !sendsInvoice || issueOnOpenInvoice;
  const seen = item.seen.filter(({ standing }) => (standing === 'active' && paidByNature) || (standing === 'trialing' && issueOnTrial)).map(({ at }) => at);
  const bills = { id: item.id, priceId: item.now?.priceId ?? item.seen.at(-1)?.priceId ?? null };
  const pays = (line: InvoiceLine) => billsFor(line, bills) && (issueOnTrial || !isOfTrial(line, trialEnd));
  const payments = purchase.invoices.filter(({ fact }) => fact.status === 'paid' && fact.lines.some(pays));
  return [...seen, ...payments.map(({ fact }) => fact.paidAt ?? fact.createdAt)].sort()[0] ?? null;
}
