import type { SubscriptionFact } from './facts.ts';
import type { TimelineEntry } from './sighting.ts';

/**
 * How the items of a subscription went, from every sight of it: what was bought once, and when what is gone went. It is a
 * set of dated entries, so it does not depend on the order they came in.
 */

const DAY_MS = 86_400_000;
/** Stripe sends and lists events for thirty days: what is older than this has all come, and what it repeats can go. */
const SETTLED_DAYS = 35;

export function entryOf({ status, partial, items }: SubscriptionFact, at: string): TimelineEntry {
  const standing = status === 'active' || status === 'trialing' ? status : 'other';
  return { at, standing, partial, items: items.map(({ id, priceId, productId, quantity }) => ({ id, priceId, productId, quantity })) };
}

export function mergeTimelines(a: TimelineEntry[], b: TimelineEntry[]): TimelineEntry[] {
  const lastHeardFirst = [...a, ...b].sort((one, other) => ((one.heardAt ?? '') > (other.heardAt ?? '') ? -1 : 1));
  const entries = new Map(lastHeardFirst.map((entry) => [`${entry.at} ${sightOf(entry)}`, entry]));
  const sorted = [...entries].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry);
  return sorted.filter((entry, n) => isRecent(entry, sorted) || !isRepeated(entry, sorted[n - 1], sorted[n + 1]));
}

/** What was seen, without when. */
function sightOf({ standing, partial, items }: TimelineEntry): string {
  return JSON.stringify([standing, partial, items.map(({ id, priceId, productId, quantity }) => [id, priceId, productId, quantity])]);
}

function isRecent({ at }: TimelineEntry, sorted: TimelineEntry[]): boolean {
  const newest = sorted.at(-1)?.at ?? at;
  return Date.parse(newest) - Date.parse(at) <= SETTLED_DAYS * DAY_MS;
}

function isRepeated(entry: TimelineEntry, before: TimelineEntry | undefined, after: TimelineEntry | undefined): boolean {
  return [before, after].every((neighbor) => neighbor !== undefined && sightOf(neighbor) === sightOf(entry));
}

/** When a unit of an item that is gone went: the first of the last sights that do not show it. `count`: how many units a sight of the item shows, null where it does not tell. */
export function goneSince(timeline: TimelineEntry[], { itemId, unit }: { itemId: string; unit: number }, count: (item: TimelineEntry['items'][number]) => number | null): string | null {
  const sights = timeline.flatMap(({ at, partial, items }) => {
    const item = items.find(({ id }) => id === itemId);
    const units = item ? count(item) : partial ? null : 0;
    return units === null ? [] : [{ at, units }];
  });
  const last = sights.findLastIndex(({ units }) => units > unit);
  return sights[last + 1]?.at ?? null;
}
