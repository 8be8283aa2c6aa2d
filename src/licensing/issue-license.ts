import { License, type LicenseRow } from '../database/license-rows.ts';
import { newId } from '../database/uuid.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { BoughtUnit } from './core/bought-unit.ts';
import { expiryOf } from './core/policy.ts';
import type { LicenseKeys } from './license-key.ts';
import { setBilling } from './set-billing.ts';
import { policyWithProduct } from './store.ts';

/**
 * Issues the license of a bought unit, in the caller's transaction. The caller holds the lock of the purchase; a unit
 * that has its license already is refused by the unique index on item and unit.
 */
export async function issueLicense(tx: Transaction, keys: LicenseKeys, order: { scope: Scope; bought: BoughtUnit }, now: Date): Promise<LicenseRow> {
  const { scope, bought } = order;
  const { policy, product } = await policyWithProduct(tx, { scopeId: scope.id }, bought.policyId);
  const key = keys.mint(product.keyPrefix);
  const keyHash = keys.lookupHash(key);
  if (keyHash === null) throw new Error('a minted key does not pass its own check');
  const license = tx.create(License, {
    id: newId(), scopeId: scope.id, keyHash, keyEncrypted: keys.encrypt(key), keyMessageId: null,
    name: null, productId: product.id, policyId: policy.id, customerId: bought.customerId,
    vendorStatus: 'active', vendorExpiresAt: null, expiresAt: expiryOf(policy, now),
    maxMachinesOverride: null, maxUsesOverride: null, usesCount: 0, metadata: {}, lastValidatedAt: null,
    stripePurchaseId: bought.purchaseId, stripeItemId: bought.itemId, stripeUnit: bought.unit, mappingId: bought.mappingId,
    stripePriceId: null, stripeCustomerId: null, stripeSubscriptionId: null, stripeCheckoutSessionId: null, seats: null,
    billingState: bought.billing.state, billingReason: null, billingRenews: false, graceEndsAt: null, cancelsAt: null, paidThrough: null,
    createdAt: now, updatedAt: now, deletedAt: null,
  });
  tx.persist(license);
  await setBilling(tx, { license, bought }, now);
  return license;
}
