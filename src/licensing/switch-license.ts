import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import type { EventType } from './core/event.ts';
import { effectiveStatus, type Status } from './core/status.ts';
import type { Licensing } from './licensing.ts';
import { detailsOf, type LicenseDetails } from './store.ts';

/**
 * Switches a license off or on again, whatever its status is and stays: off, it reads as suspended; on, it is what the vendor, billing and its end make it.
 */
export async function switchLicense(licensing: Licensing, { scope, id }: { scope: Scope; id: string }, { enabled }: { enabled: boolean }, now: Date): Promise<Result<LicenseDetails>> {
  return changeLicense(licensing, { scope, id }, async (tx, license, at) => {
    if (license.enabled === enabled) return { ok: true, event: null };
    const details = await detailsOf(tx, license);
    const statusWith = (switched: boolean) => effectiveStatus({ ...details, enabled: switched }, licensing.slackHours, at);
    license.enabled = enabled;
    return { ok: true, event: eventOf(statusWith(!enabled), statusWith(enabled)) };
  }, now);
}

function eventOf(before: Status, after: Status): EventType {
  if (before === after) return 'license.updated';
  if (after === 'suspended') return 'license.suspended';
  return after === 'active' ? 'license.reinstated' : 'license.updated';
}
