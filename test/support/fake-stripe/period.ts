import { type Interval, type Period, recordOf, type State } from './state.ts';

/** The billing period that starts at `start`, and ends on the anchor's day of the month or the month's last. */
export function periodFrom(start: number, anchor: number, interval: Interval): Period {
  const [from, origin] = [new Date(start * 1000), new Date(anchor * 1000)];
  const passed = (from.getUTCFullYear() - origin.getUTCFullYear()) * 12 + from.getUTCMonth() - origin.getUTCMonth();
  return { start, end: addMonths(origin, passed + (interval === 'year' ? 12 : 1)) };
}

function addMonths(date: Date, months: number): number {
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), lastDay);
  return Date.UTC(year, month, day, date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()) / 1000;
}

/** How often these prices are billed. Those of one subscription agree. */
export function intervalOf(state: State, items: { priceId: string }[]): Interval {
  const [interval, ...others] = new Set(items.map(({ priceId }) => recordOf(state.prices, priceId).interval));
  if (interval == null || others.length > 0) throw new Error('a subscription needs recurring prices of one interval');
  return interval;
}
