import type { LicenseRow } from '../database/license-rows.ts';
import type { Scope } from '../database/scope.ts';
import { refuse, type Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import type { EventType } from './core/event.ts';
import { effectiveStatus } from './core/status.ts';
import { type Action, transition } from './core/transition.ts';
import type { Licensing } from './licensing.ts';
import { detailsOf, type LicenseDetails } from './store.ts';
import { vendorExpiry } from './vendor-expiry.ts';

const eventOf: Record<Action, EventType> = {
  suspend: 'license.suspended',
  reinstate: 'license.reinstated',
  revoke: 'license.revoked',
  ban: 'license.banned',
  renew: 'license.renewed',
  'rotate-key': 'license.key_rotated',
  'reset-usage': 'license.updated',
};

/** Takes one of the vendor's actions, where the table of transitions allows it from the license's effective status. The event tells the reason. */
export async function actOnLicense(
  licensing: Licensing,
  { scope, id }: { scope: Scope; id: string },
  { action, expiresAt, reason }: { action: Action; expiresAt?: Date | undefined; reason?: string | undefined },
  now: Date,
): Promise<Result<LicenseDetails>> {
  return changeLicense(licensing, { scope, id }, async (tx, license, at) => {
    const details = await detailsOf(tx, license);
    const status = effectiveStatus(details, licensing.slackHours, at);
    const allowed = transition(action, { status, expiresAt: details.expiresAt, durationDays: details.policy.durationDays }, expiresAt, at);
    if (!allowed.ok) return refuse(allowed.refused, allowed.message);
    if (allowed.vendorStatus) license.vendorStatus = allowed.vendorStatus;
    if (action === 'reinstate') license.enabled = true;
    if (allowed.expiresAt) Object.assign(license, vendorExpiry(license, allowed.expiresAt));
    if (action === 'rotate-key') rotateKey(licensing, license, details.keyPrefix);
    if (action === 'reset-usage') license.usesCount = 0;
    const event = isStillSuspended(license, action) ? 'license.updated' : eventOf[action];
    return { ok: true, event, ...(reason !== undefined && { told: { reason } }) };
  }, now);
}

/** A reinstatement lifts what the vendor imposed; what billing did stays, and is told when billing lifts it. */
function isStillSuspended({ billingState }: LicenseRow, action: Action): boolean {
  return action === 'reinstate' && billingState === 'SUSPENDED';
}

/** The old key is unknown from this commit on; machines and everything else stay. */
function rotateKey({ keys }: Licensing, license: LicenseRow, keyPrefix: string): void {
  const key = keys.mint(keyPrefix);
  Object.assign(license, { keyHash: keys.read(key).hash, keyEncrypted: keys.encrypt(key), keyLookalike: false });
}
