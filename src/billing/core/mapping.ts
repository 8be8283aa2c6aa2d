import { z } from 'zod';
import { metadata } from '../../licensing/core/metadata.ts';
import type { ExpirationStrategy } from '../../licensing/core/policy.ts';

/** A mapping says what a Stripe price or product buys, and how billing trouble is treated. */

const quantityModes = ['LICENSES', 'SEATS'] as const;
const refundActions = ['REVOKE', 'SUSPEND', 'KEEP'] as const;
const disputeActions = ['SUSPEND', 'KEEP'] as const;
const pauseActions = ['SUSPEND_WHEN_VOID', 'SUSPEND', 'KEEP'] as const;

export type MappingQuantity = (typeof quantityModes)[number];
export type MappingRefund = (typeof refundActions)[number];
export type MappingDispute = (typeof disputeActions)[number];
export type MappingPause = (typeof pauseActions)[number];

const stripeId = z.string().max(255).regex(/^\S+$/, 'expected a Stripe id, without spaces');

export const mappingFields = z.strictObject({
  stripePriceId: stripeId.nullable(),
  stripeProductId: stripeId.nullable(),
  policyId: z.uuid(),
  entitlementIds: z.array(z.uuid()).max(100),
  gracePeriodDays: z.int().min(0).max(3_650),
  quantityMode: z.enum(quantityModes),
  seatsPerUnit: z.int().positive().max(1_000_000),
  onFullRefund: z.enum(refundActions),
  onDispute: z.enum(disputeActions),
  onPauseCollection: z.enum(pauseActions),
  issueOnTrial: z.boolean(),
  issueOnOpenInvoice: z.boolean(),
  sendKeyEmail: z.boolean(),
  active: z.boolean(),
  metadata,
});

export type MappingFields = z.infer<typeof mappingFields>;

/** A mapping as the projection reads it, with the one thing of its policy that billing must know. */
export type Mapping = MappingFields & { id: string; createdAt: Date; expirationStrategy: ExpirationStrategy };

/** Whether it is for a price or for a product, and not for both or neither. */
export function namesOneTarget({ stripePriceId, stripeProductId }: { stripePriceId?: string | null | undefined; stripeProductId?: string | null | undefined }): boolean {
  return (stripePriceId == null) !== (stripeProductId == null);
}

/** A request for a mapping: its target and policy, and whichever fields differ from the defaults. */
export const mappingRequest = mappingFields
  .partial()
  .extend({ policyId: mappingFields.shape.policyId })
  .refine(namesOneTarget, { path: ['stripePriceId'], message: 'Give exactly one of stripePriceId and stripeProductId.' });

export type MappingRequest = z.infer<typeof mappingRequest>;

const defaults: Omit<MappingFields, 'policyId'> = {
  stripePriceId: null,
  stripeProductId: null,
  entitlementIds: [],
  gracePeriodDays: 7,
  quantityMode: 'LICENSES',
  seatsPerUnit: 1,
  onFullRefund: 'REVOKE',
  onDispute: 'SUSPEND',
  onPauseCollection: 'SUSPEND_WHEN_VOID',
  issueOnTrial: true,
  issueOnOpenInvoice: false,
  sendKeyEmail: true,
  active: true,
  metadata: {},
};

export function completeMapping(request: MappingRequest): MappingFields {
  return { ...defaults, ...request };
}

/** What was bought: a Stripe price and the product it belongs to. */
export type Bought = { priceId: string | null; productId: string | null };

/** The mapping of what was bought: the price's own wins over its product's. */
export function findMapping(mappings: Mapping[], bought: Bought): Mapping | undefined {
  const active = mappings.filter((mapping) => mapping.active);
  return (
    active.find((mapping) => mapping.stripePriceId !== null && mapping.stripePriceId === bought.priceId) ??
    active.find((mapping) => mapping.stripeProductId !== null && mapping.stripeProductId === bought.productId)
  );
}

/** What was bought, for people. */
export function nameOf({ priceId, productId }: Bought): string {
  return priceId ?? productId ?? 'an item without a price';
}
