import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { effectiveStatus } from '../../licensing/core/status.ts';
import type { LicenseKeys } from '../../licensing/license-key.ts';
import { type LicenseDetails, listLicenses, readLicense } from '../../licensing/read-licenses.ts';
import { many, moment, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';

const licensesQuery = pageQuery.extend({
  productId: z.uuid().optional(),
  policyId: z.uuid().optional(),
  customerId: z.uuid().optional(),
  userEmail: z.string().min(1).max(320).optional(),
  key: z.string().min(1).max(255).optional(),
  expiresBefore: moment.optional(),
  expiresAfter: moment.optional(),
  stripeSubscriptionId: z.string().min(1).max(255).optional(),
});

type Dependencies = { database: Database; keys: LicenseKeys; clock: Clock; slackHours: number };

export function licenseRoutes({ database, keys, clock, slackHours }: Dependencies): Route[] {
  const path = '/api/v1/licenses';
  const view = (license: LicenseDetails): object => viewLicense(license, keys.decrypt(license.keyEncrypted), effectiveStatus(license, slackHours, clock.now()));
  return [
    managementRoute({ method: 'get', path, permission: 'licenses:read', input: licensesQuery }, async ({ scope, input }) => {
      const { limit, cursor, ...filter } = input;
      return many(await listLicenses({ database, keys }, scope, filter, { limit, cursor }), view);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'licenses:read', input: noInput }, async ({ scope, id }) =>
      one(await readLicense(database, scope, id), view),
    ),
  ];
}

function viewLicense(license: LicenseDetails, key: string, status: string): object {
  const { id, name, productId, policyId, customerId, userEmail, userName, expiresAt, maxMachinesOverride, maxUsesOverride, policy } = license;
  return {
    id, key, name, status, productId, policyId, customerId, userEmail, userName, expiresAt, maxMachinesOverride, maxUsesOverride,
    maxMachines: maxMachinesOverride ?? license.seats ?? policy.maxMachines,
    maxUses: maxUsesOverride ?? policy.maxUses,
    usesCount: license.usesCount,
    machineCount: 0,
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
