import type { LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import { viewLicense } from './license-view.ts';
import { recordEvents } from './record-event.ts';
import { detailsOf } from './store.ts';

type Reached = { license: LicenseRow; kind: 'machines' | 'uses'; slackHours: number };

/** Tells that the last machine slot or the last use was taken, in the transaction that took it. */
export async function tellLimit(tx: Transaction, { license, kind, slackHours }: Reached, now: Date): Promise<void> {
  const details = await detailsOf(tx, license);
  const limit = kind === 'machines' ? { kind, max: details.maxMachines, count: details.machineCount } : { kind, max: details.maxUses, count: details.usesCount };
  await recordEvents(tx, [{ scopeId: license.scopeId, type: 'license.limit_reached', licenseId: license.id, data: { ...viewLicense(details, slackHours, now), limit } }], now);
}
