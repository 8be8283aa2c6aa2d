import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { BillingReason, BillingState } from '../licensing/core/billing.ts';
import type { Platform } from '../licensing/core/machine.ts';
import type { Status, VendorStatus } from '../licensing/core/status.ts';

type Metadata = Record<string, unknown>;

export const Customer = defineEntity({
  name: 'Customer',
  tableName: 'customers',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    email: p.text(),
    name: p.text().strictNullable(),
    metadata: p.json<Metadata>(),
    bannedAt: p.datetime(3).strictNullable(),
    emailSetByVendor: p.boolean(),
    unsubscribedAt: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

/** Which of our customers a Stripe customer is; several Stripe customers may be one of ours. */
export const StripeCustomer = defineEntity({
  name: 'StripeCustomer',
  tableName: 'stripe_customers',
  properties: {
    scopeId: p.integer().primary(),
    stripeCustomerId: p.text().primary(),
    customerId: p.uuid(),
  },
});

/**
 * A license. What the vendor decided (`vendorStatus`, `enabled`, `vendorExpiresAt`) and what billing decided (`billing...`,
 * `graceEndsAt`, `cancelsAt`, `paidThrough`) stand apart; `licensing/core/status.ts` joins them.
 * `stripePurchaseId`, `stripeItemId` and `stripeUnit` say which bought unit it is; the last two are unique in the scope.
 * `told...` and `reminded...` are what was told last of what time changes, at `toldAt`, and `dueAt` is when time next changes something. `invoiceUrl` is where
 * what is owed can be paid.
 */
export const License = defineEntity({
  name: 'License',
  tableName: 'licenses',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    keyHash: p.blob(),
    keyEncrypted: p.blob(),
    keyLookalike: p.boolean(),
    name: p.text().strictNullable(),
    productId: p.uuid(),
    policyId: p.uuid(),
    policySince: p.datetime(3).strictNullable(),
    customerId: p.uuid().strictNullable(),
    vendorStatus: p.text().$type<VendorStatus>(),
    enabled: p.boolean(),
    vendorExpiresAt: p.datetime(3).strictNullable(),
    expiresAt: p.datetime(3).strictNullable(),
    maxMachinesOverride: p.integer().strictNullable(),
    maxUsesOverride: p.integer().strictNullable(),
    usesCount: p.integer(),
    fingerprintsCount: p.integer(),
    eventsCount: p.integer(),
    metadata: p.json<Metadata>(),
    lastValidatedAt: p.datetime(3).strictNullable(),
    keyMessageId: p.uuid().strictNullable(),
    stripePurchaseId: p.text().strictNullable(),
    stripeItemId: p.text().strictNullable(),
    stripeUnit: p.integer().strictNullable(),
    stripePriceId: p.text().strictNullable(),
    stripeCustomerId: p.text().strictNullable(),
    stripeSubscriptionId: p.text().strictNullable(),
    stripeCheckoutSessionId: p.text().strictNullable(),
    mappingId: p.uuid().strictNullable(),
    seats: p.integer().strictNullable(),
    billingState: p.text().$type<BillingState>().strictNullable(),
    billingReason: p.text().$type<BillingReason>().strictNullable(),
    billingRenews: p.boolean(),
    graceEndsAt: p.datetime(3).strictNullable(),
    cancelsAt: p.datetime(3).strictNullable(),
    paidThrough: p.datetime(3).strictNullable(),
    toldStatus: p.text().$type<Status>(),
    toldGrace: p.boolean(),
    remindedEnd: p.datetime(3).strictNullable(),
    remindedDays: p.integer().strictNullable(),
    invoiceUrl: p.text().strictNullable(),
    toldAt: p.datetime(3).strictNullable(),
    dueAt: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

/** A machine. `dueAt` is when it may be dead at the earliest, null where nobody asks or its death was told (`diedAt`). */
export const Machine = defineEntity({
  name: 'Machine',
  tableName: 'machines',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    licenseId: p.uuid(),
    fingerprint: p.text(),
    minted: p.boolean(),
    name: p.text().strictNullable(),
    platform: p.text().$type<Platform>().strictNullable(),
    hostname: p.text().strictNullable(),
    cores: p.integer().strictNullable(),
    metadata: p.json<Metadata>(),
    lastHeartbeatAt: p.datetime(3).strictNullable(),
    dueAt: p.datetime(3).strictNullable(),
    diedAt: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

export const LicenseEntitlement = defineEntity({
  name: 'LicenseEntitlement',
  tableName: 'license_entitlements',
  properties: {
    scopeId: p.integer().primary(),
    licenseId: p.uuid().primary(),
    entitlementId: p.uuid().primary(),
    grantedBy: p.text().$type<'vendor' | 'billing'>().primary(),
  },
});

export type CustomerRow = InferEntity<typeof Customer>;
export type LicenseRow = InferEntity<typeof License>;
export type MachineRow = InferEntity<typeof Machine>;
