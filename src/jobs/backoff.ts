/** How often something is tried, and how long after each failure it is tried again. */

/** Attempts at an event before it is given up: with the delays below, about a day. It can be replayed. */
export const MOST_EVENT_ATTEMPTS = 20;
/** Attempts at a mail before it is given up: about a week, longer than any outage of a mail server should last. */
export const MOST_MAIL_ATTEMPTS = 68;

const FIRST_MS = 5_000;
const LONGEST_MS = 3 * 3_600_000;

/** Milliseconds to wait after the n-th attempt: 5 s, doubling, at most 3 h. */
export function backoffMs(attempts: number): number {
  return Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS);
}

const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];
/** What Standard Webhooks recommends: seconds, minutes, hours, up to a day; about three days in all. */
const WEBHOOK_WAITS_MS = [5_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS];
/** Attempts at a webhook before it is given up. It can be redelivered. */
export const MOST_WEBHOOK_ATTEMPTS = WEBHOOK_WAITS_MS.length + 1;

/** Milliseconds to wait after the n-th attempt, a tenth more or less by `chance` (0 to 1): what failed together must not come back together. */
export function webhookWaitMs(attempts: number, chance: number): number {
  const wait = WEBHOOK_WAITS_MS[attempts - 1] ?? 24 * HOUR_MS;
  return Math.round(wait * (0.9 + 0.2 * chance));
}

/** How often the sweep looks for what is due. */
export const SWEEP_MS = 30_000;

/** How long the sweep leaves a row alone that is being tried: longer than any attempt should take. */
const LEASE_MS = 60_000;

/** When a row that is being tried is due again, should nobody say how the attempt ended. */
export function dueUnlessDone(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}

/** When the sweep takes up a row that a delayed job tries again after its n-th attempt, should the queue have lost the job. */
export function dueAfter(attempts: number, now: Date): Date {
  return new Date(now.getTime() + Math.max(LEASE_MS, backoffMs(attempts)));
}
