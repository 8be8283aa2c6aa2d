import { isDeepStrictEqual } from 'node:util';
import { viewLicense } from '../licensing/license-view.ts';
import type { LicenseDetails } from '../licensing/read-licenses.ts';

/** What billing may change of a license, as it is shown. */
export type LicenseState = ReturnType<typeof stateOf>;

/** A license as it was and as it is then; null: it was not there yet. */
export type LicenseChange<Before = LicenseState | null> = { id: string; before: Before; after: LicenseState };

export function stateOf(license: LicenseDetails, slackHours: number, now: Date) {
  const { status, policyId, userEmail, expiresAt, maxMachines, entitlements, billing } = viewLicense(license, slackHours, now);
  return { status, policyId, userEmail, expiresAt, maxMachines, entitlements, billing };
}

export function isChanged({ before, after }: LicenseChange): boolean {
  return !isDeepStrictEqual(before, after);
}
