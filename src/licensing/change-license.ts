import { LockMode } from '@mikro-orm/core';
import { License, type LicenseRow } from '../database/license-rows.ts';
import { inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Refused, type Result } from '../errors.ts';
import type { EventType } from './core/event.ts';
import type { Licensing } from './licensing.ts';
import { detailsOf, type LicenseDetails } from './store.ts';
import { tellLife } from './tell-life.ts';
import { timeSinceTold } from './time-since-told.ts';

/** What a change came to: the event that tells it, with what it tells besides the license, or null when there is none; or why it may not be. */
export type Changed = { ok: true; event: EventType | null; told?: object } | Refused;

/**
 * Changes one license in a transaction: locks its row, lets `change` write to it at the time it is then, tells the event, and returns it as it is now.
 * A refusal leaves it untouched.
 */
export async function changeLicense(
  licensing: Pick<Licensing, 'database' | 'slackHours' | 'reminders'>,
  { scope, id }: { scope: Scope; id: string },
  change: (tx: Transaction, license: LicenseRow, at: Date) => Promise<Changed>,
  now: Date,
): Promise<Result<LicenseDetails>> {
  return inTransaction(licensing.database, async (tx) => {
    const license = await tx.findOne(License, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (license === null) return notFound();
    const at = await timeSinceTold(tx, { scope, licenses: [license] }, now);
    // What time did before is told first, as the job would have told it: the verb finds the license as it is.
    if (license.dueAt !== null && license.dueAt <= at) await tellLife(tx, licensing, { scope, licenses: [license], occasion: { by: 'time' } }, at);
    const changed = await change(tx, license, at);
    if (!changed.ok) return changed;
    if (changed.event === null) return ok(await detailsOf(tx, license));
    license.updatedAt = at;
    await tellLife(tx, licensing, { scope, licenses: [license], occasion: { by: 'vendor', event: changed.event, told: changed.told } }, at);
    return ok(await detailsOf(tx, license));
  });
}
