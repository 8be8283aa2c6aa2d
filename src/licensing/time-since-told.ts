import type { LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import { judgedTime, laterOf } from '../database/scope-time.ts';
import type { Scope } from '../database/scope.ts';

/** Nobody waits this long for a row. */
const LONGEST_WAIT_MS = 60_000;

/**
 * The time to go by with licenses whose rows the caller has locked: `now`, or when they were told of last, if that is later. Who waited for a row had
 * taken the time before, and would take back an end that was told meanwhile, for it to be told again.
 */
export async function timeSinceTold(tx: Transaction, { scope, licenses }: { scope: Scope; licenses: Pick<LicenseRow, 'toldAt'>[] }, now: Date): Promise<Date> {
  const told = licenses.reduce((latest, { toldAt }) => (toldAt === null ? latest : laterOf(latest, toldAt)), now);
  if (told.getTime() - now.getTime() < LONGEST_WAIT_MS) return told;
  // Only a rehearsal is that far ahead, and it may have been ended.
  return judgedTime(tx, scope, now);
}
