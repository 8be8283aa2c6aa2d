/** How long an offline file may last. All in seconds. */

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Shorter, and the app would ask as often as if it were online. */
const LEAST = HOUR;
const MOST_DAYS = 90;
const DEFAULT = 14 * DAY;

/** What a file may last for this license now: `most` is below `least` when the license ends too soon for any file. */
export type TtlBounds = { least: number; most: number };

/**
 * The bounds: an hour to `offlineMaxDays`, at most 90 days, and never past the moment the license ends (`activeUntil`, null when
 * it does not).
 */
export function ttlBounds({ offlineMaxDays, activeUntil }: { offlineMaxDays: number; activeUntil: Date | null }, now: Date): TtlBounds {
  const left = activeUntil === null ? Infinity : Math.floor((activeUntil.getTime() - now.getTime()) / 1000);
  return { least: LEAST, most: Math.max(0, Math.min(offlineMaxDays * DAY, MOST_DAYS * DAY, left)) };
}

/** The ttl of a file: what was asked for, else 14 days or the most there is. Null when that is out of bounds: it is refused, not clamped. */
export function chooseTtl(asked: number | undefined, { least, most }: TtlBounds): number | null {
  const ttl = asked ?? Math.min(DEFAULT, most);
  return ttl >= least && ttl <= most ? ttl : null;
}
