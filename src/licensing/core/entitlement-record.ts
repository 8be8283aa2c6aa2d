import { z } from 'zod';
import type { BillingReason } from './billing.ts';
import type { PolicyFields } from './policy.ts';
import { activeUntil, effectiveStatus, type Standing } from './status.ts';

/** A license as a LicenseEntitlement: the record in which tools of any maker read what a customer holds. What is not known is left out. */

const licenseTypes = ['trial', 'subscription', 'floating', 'node-locked', 'perpetual'] as const;
const recordStatuses = ['active', 'suspended', 'expired', 'revoked', 'pending'] as const;

/** An address as the record's format has it, which is narrower than what mail can be sent to. */
const address = z.email({ pattern: /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i });

/** Names and types as the schema of such records has them. */
export const entitlementRecord = z.strictObject({
  entitlement_id: z.string(),
  product: z.string(),
  license_type: z.enum(licenseTypes),
  license_key: z.string(),
  customer: z.strictObject({ id: z.string(), name: z.string().optional(), email: address.optional() }).optional(),
  seats: z.int().min(0).optional(),
  seats_consumed: z.int().min(0),
  valid_from: z.iso.datetime(),
  valid_until: z.iso.datetime().optional(),
  status: z.enum(recordStatuses),
  activation: z.strictObject({ max_activations: z.int().min(0).optional(), offline_grace_period_days: z.int().min(0).optional() }),
  issuer: z.literal('other'),
});

type EntitlementRecord = z.output<typeof entitlementRecord>;

type Recorded = Standing & {
  id: string;
  productName: string;
  policy: Pick<PolicyFields, 'isTrial' | 'durationDays' | 'floating' | 'requireFingerprint' | 'offlineAllowed' | 'offlineMaxDays'>;
  customerId: string | null;
  userName: string | null;
  userEmail: string | null;
  maxMachines: number | null;
  machineCount: number;
  stripeSubscriptionId: string | null;
  billingReason: BillingReason | null;
  createdAt: Date;
};

type Setting = { key: string; slackHours: number };

export function recordOf(license: Recorded, { key, slackHours }: Setting, now: Date): EntitlementRecord {
  const { id, productName, policy, maxMachines, machineCount, createdAt } = license;
  const until = validUntil(license, slackHours, now);
  return {
    entitlement_id: id,
    product: productName,
    license_type: typeOf(license),
    license_key: key,
    ...(license.customerId !== null && { customer: customerOf(license.customerId, license) }),
    ...(maxMachines !== null && { seats: maxMachines }),
    seats_consumed: machineCount,
    valid_from: createdAt.toISOString(),
    ...(until && { valid_until: until.toISOString() }),
    status: statusOf(license, slackHours, now),
    activation: { ...(maxMachines !== null && { max_activations: maxMachines }), ...(policy.offlineAllowed && { offline_grace_period_days: policy.offlineMaxDays }) },
    issuer: 'other',
  };
}

/** The first that holds. */
function typeOf({ policy, stripeSubscriptionId, maxMachines }: Recorded): EntitlementRecord['license_type'] {
  if (policy.isTrial) return 'trial';
  if (stripeSubscriptionId !== null || policy.durationDays !== null) return 'subscription';
  if (policy.floating) return 'floating';
  return policy.requireFingerprint && maxMachines !== null ? 'node-locked' : 'perpetual';
}

function customerOf(id: string, { userName, userEmail }: Recorded): EntitlementRecord['customer'] {
  const { data: email } = address.safeParse(userEmail);
  return { id, ...(userName !== null && { name: userName }), ...(email !== undefined && { email }) };
}

/** Who is banned holds nothing any more; what waits for its payment is pending, but for what the vendor suspended. */
function statusOf(license: Recorded, slackHours: number, now: Date): EntitlementRecord['status'] {
  const status = effectiveStatus(license, slackHours, now);
  switch (status) {
    case 'banned':
      return 'revoked';
    case 'suspended':
      return license.billingReason === 'PAYMENT_FAILED' && license.vendorStatus === 'active' && license.enabled ? 'pending' : 'suspended';
    case 'active':
    case 'expired':
    case 'revoked':
      return status;
  }
}

/** Grace and slack are told only once they carry a license past its end: a record that is active does not say it is over. */
function validUntil(license: Recorded, slackHours: number, now: Date): Date | null {
  const { expiresAt } = license;
  const carried = expiresAt !== null && now >= expiresAt && effectiveStatus(license, slackHours, now) === 'active';
  return carried ? activeUntil(license, slackHours) : expiresAt;
}
