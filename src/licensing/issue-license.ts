import type { PolicyRow, ProductRow } from '../database/catalog-rows.ts';
import { License, type LicenseRow } from '../database/license-rows.ts';
import { newId } from '../database/uuid.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { BoughtUnit } from './core/bought-unit.ts';
import { expiryOf } from './core/policy.ts';
import type { LicenseKeys } from './license-key.ts';
import { viewLicense } from './license-view.ts';
import { recordEvent } from './record-event.ts';
import { setBilling } from './set-billing.ts';
import { detailsOf, policyWithProduct } from './store.ts';

/** A license that nobody has said anything of yet but its policy: active, for the policy's term, with a key of its own. */
export function newLicense(keys: LicenseKeys, { scope, policy, product, key }: { scope: Scope; policy: PolicyRow; product: ProductRow; key?: string | undefined }, now: Date): LicenseRow {
  const shownKey = key ?? keys.mint(product.keyPrefix);
  const { hash, slip } = keys.read(shownKey);
  return {
    id: newId(), scopeId: scope.id, keyHash: hash, keyEncrypted: keys.encrypt(shownKey), keyLookalike: slip, keyMessageId: null,
    name: null, productId: product.id, policyId: policy.id, policySince: null, customerId: null,
    vendorStatus: 'active', vendorExpiresAt: null, expiresAt: expiryOf(policy, now),
    maxMachinesOverride: null, maxUsesOverride: null, usesCount: 0, fingerprintsCount: 0, eventsCount: 0, metadata: {}, lastValidatedAt: null,
    stripePurchaseId: null, stripeItemId: null, stripeUnit: null, mappingId: null,
    stripePriceId: null, stripeCustomerId: null, stripeSubscriptionId: null, stripeCheckoutSessionId: null, seats: null,
    billingState: null, billingReason: null, billingRenews: false, graceEndsAt: null, cancelsAt: null, paidThrough: null,
    createdAt: now, updatedAt: now, deletedAt: null,
  };
}

/**
 * Issues the license of a bought unit, in the caller's transaction. The caller holds the lock of the purchase; a unit
 * that has its license already is refused by the unique index on item and unit.
 */
export async function issueLicense(
  tx: Transaction,
  { keys, slackHours }: { keys: LicenseKeys; slackHours: number },
  { scope, bought }: { scope: Scope; bought: BoughtUnit },
  now: Date,
): Promise<LicenseRow> {
  const { policy, product } = await policyWithProduct(tx, { scopeId: scope.id }, bought.policyId);
  const license = tx.create(License, {
    ...newLicense(keys, { scope, policy, product }, now),
    customerId: bought.customerId, billingState: bought.billing.state,
    stripePurchaseId: bought.purchaseId, stripeItemId: bought.itemId, stripeUnit: bought.unit, mappingId: bought.mappingId,
  });
  tx.persist(license);
  await setBilling(tx, { license, bought, moves: true }, now);
  await tx.flush();
  await recordEvent(tx, scope, { type: 'license.created', licenseId: license.id, data: viewLicense(await detailsOf(tx, license), slackHours, now) }, now);
  return license;
}
