import { isDeepStrictEqual } from 'node:util';

/** Writes what a request names to a row; what it leaves out stays. Says whether anything is other than before. */
export function writeChanges(row: { updatedAt: Date }, given: object, now: Date): boolean {
  const before: Record<string, unknown> = { ...row };
  const changed = Object.entries(given).filter(([name, value]) => value !== undefined && !isDeepStrictEqual(before[name], value));
  if (changed.length === 0) return false;
  Object.assign(row, Object.fromEntries(changed), { updatedAt: now });
  return true;
}
