import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type {
  MappingDispute,
  MappingPause,
  MappingQuantity,
  MappingRefund,
} from '../billing/core/mapping.ts';
import type {
  ExpirationStrategy,
  FingerprintUniqueness,
  HeartbeatCullStrategy,
  PolicyTemplate,
} from '../licensing/core/policy.ts';

type Metadata = Record<string, unknown>;

export const Product = defineEntity({
  name: 'Product',
  tableName: 'products',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    name: p.text(),
    code: p.text(),
    description: p.text().strictNullable(),
    keyPrefix: p.text(),
    metadata: p.json<Metadata>(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

export const Entitlement = defineEntity({
  name: 'Entitlement',
  tableName: 'entitlements',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    code: p.text(),
    name: p.text(),
    metadata: p.json<Metadata>(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

/** The policy seed's fields, by its names. `heartbeatRequiredSince` is when it began to require heartbeats, null while it does not. */
export const Policy = defineEntity({
  name: 'Policy',
  tableName: 'policies',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    productId: p.uuid(),
    name: p.text(),
    template: p.text().$type<PolicyTemplate>().strictNullable(),
    maxMachines: p.integer().strictNullable(),
    maxUses: p.integer().strictNullable(),
    floating: p.boolean(),
    durationDays: p.integer().strictNullable(),
    expirationStrategy: p.text().$type<ExpirationStrategy>(),
    requireHeartbeat: p.boolean(),
    heartbeatIntervalMinutes: p.integer(),
    heartbeatCullStrategy: p.text().$type<HeartbeatCullStrategy>(),
    requireFingerprint: p.boolean(),
    fingerprintUniqueness: p.text().$type<FingerprintUniqueness>(),
    offlineAllowed: p.boolean(),
    offlineMaxDays: p.integer(),
    allowMachineTransfer: p.boolean(),
    isTrial: p.boolean(),
    trialDurationDays: p.integer().strictNullable(),
    overridable: p.boolean(),
    maxUniqueFingerprints: p.integer().strictNullable(),
    metadata: p.json<Metadata>(),
    heartbeatRequiredSince: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

export const PolicyEntitlement = defineEntity({
  name: 'PolicyEntitlement',
  tableName: 'policy_entitlements',
  properties: {
    scopeId: p.integer().primary(),
    policyId: p.uuid().primary(),
    entitlementId: p.uuid().primary(),
  },
});

export const StripeMapping = defineEntity({
  name: 'StripeMapping',
  tableName: 'stripe_mappings',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    stripePriceId: p.text().strictNullable(),
    stripeProductId: p.text().strictNullable(),
    policyId: p.uuid(),
    entitlementIds: p.array<string>().columnType('uuid[]'),
    gracePeriodDays: p.integer(),
    quantityMode: p.text().$type<MappingQuantity>(),
    seatsPerUnit: p.integer(),
    onFullRefund: p.text().$type<MappingRefund>(),
    onDispute: p.text().$type<MappingDispute>(),
    onPauseCollection: p.text().$type<MappingPause>(),
    issueOnTrial: p.boolean(),
    issueOnOpenInvoice: p.boolean(),
    sendKeyEmail: p.boolean(),
    active: p.boolean(),
    metadata: p.json<Metadata>(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

export type ProductRow = InferEntity<typeof Product>;
export type EntitlementRow = InferEntity<typeof Entitlement>;
export type PolicyRow = InferEntity<typeof Policy>;
export type StripeMappingRow = InferEntity<typeof StripeMapping>;
