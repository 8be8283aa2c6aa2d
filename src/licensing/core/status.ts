import type { BillingState } from './billing.ts';

export type VendorStatus = 'active' | 'suspended' | 'revoked' | 'banned';

export const statuses = ['active', 'suspended', 'expired', 'revoked', 'banned'] as const;
export type Status = (typeof statuses)[number];

/** What the status of a license depends on. `billingState` is null for a license that was not bought. */
export type Standing = {
  vendorStatus: VendorStatus;
  /** The vendor's switch, which sell.app's interface turns. Off, the license reads as suspended. */
  enabled: boolean;
  expiresAt: Date | null;
  billingState: BillingState | null;
  billingRenews: boolean;
  graceEndsAt: Date | null;
  customerBanned: boolean;
};

const HOUR_MS = 3_600_000;

/**
 * The effective status: banned > revoked > suspended > expired > active. It never waits for a job: grace that has run
 * out suspends, and an expiry that has passed expires, at the moment of asking.
 */
export function effectiveStatus(standing: Standing, slackHours: number, now: Date): Status {
  const { vendorStatus, billingState } = standing;
  if (vendorStatus === 'banned' || standing.customerBanned) return 'banned';
  if (vendorStatus === 'revoked' || billingState === 'REVOKED') return 'revoked';
  if (vendorStatus === 'suspended' || !standing.enabled || suspendedByBilling(standing, now)) return 'suspended';
  return isExpired(standing, slackHours, now) ? 'expired' : 'active';
}

/** Whether its end has passed, whatever else is the matter with it: also a license that is suspended or revoked has an end. */
export function isExpired(standing: Standing, slackHours: number, now: Date): boolean {
  return hasEnded(validUntil(standing, slackHours), now);
}

function suspendedByBilling({ billingState, graceEndsAt }: Standing, now: Date): boolean {
  return billingState === 'GRACE' ? hasEnded(graceEndsAt, now) : billingState === 'SUSPENDED';
}

/**
 * When the license, active now, stops to be: it is not active at this moment nor later, unless a fact of it changes.
 * Null: never. Grace counts alone, as it suspends when it runs out, even before the expiry.
 */
export function activeUntil(standing: Standing, slackHours: number): Date | null {
  if (standing.billingState === 'GRACE' && standing.graceEndsAt) return standing.graceEndsAt;
  return validUntil(standing, slackHours);
}

/** When validity ends: the expiry, or grace where that is later, or the renewal slack past the expiry. Null: never. */
function validUntil(standing: Standing, slackHours: number): Date | null {
  const { expiresAt, billingState, billingRenews, graceEndsAt } = standing;
  if (expiresAt === null) return null;
  if (billingState === 'GRACE' && graceEndsAt) return graceEndsAt > expiresAt ? graceEndsAt : expiresAt;
  return billingRenews ? new Date(expiresAt.getTime() + slackHours * HOUR_MS) : expiresAt;
}

/** The one boundary: valid while `now < end`. */
function hasEnded(end: Date | null, now: Date): boolean {
  return end !== null && now >= end;
}
