import { effectiveStatus } from './core/status.ts';
import type { LicenseDetails } from './store.ts';

/** A license as the API and the events show it, but for its key, which is not kept where it can be read. */
export function viewLicense(license: LicenseDetails, slackHours: number, now: Date) {
  const { id, name, productId, policyId, customerId, userEmail, userName, expiresAt, maxMachinesOverride, maxUsesOverride } = license;
  return {
    id, name,
    status: effectiveStatus(license, slackHours, now),
    productId, policyId, customerId, userEmail, userName, expiresAt, maxMachinesOverride, maxUsesOverride,
    maxMachines: license.maxMachines,
    maxUses: license.maxUses,
    usesCount: license.usesCount,
    machineCount: license.machineCount,
    entitlements: license.entitlements,
    lastValidatedAt: license.lastValidatedAt,
    metadata: license.metadata,
    billing: viewBilling(license),
    createdAt: license.createdAt,
    updatedAt: license.updatedAt,
    deletedAt: license.deletedAt,
  };
}

function viewBilling(license: LicenseDetails): object | null {
  if (license.billingState === null) return null;
  const { graceEndsAt, cancelsAt, paidThrough, stripeCustomerId, stripeSubscriptionId, stripeCheckoutSessionId, stripePriceId, mappingId } = license;
  return {
    state: license.billingState,
    reason: license.billingReason,
    graceEndsAt, cancelsAt, paidThrough, stripeCustomerId, stripeSubscriptionId,
    stripeSubscriptionItemId: stripeSubscriptionId === null ? null : license.stripeItemId,
    stripeCheckoutSessionId, stripePriceId, mappingId,
  };
}
