import type { PolicyRow, ProductRow } from '../database/catalog-rows.ts';
import { License, LicenseEntitlement, type LicenseRow } from '../database/license-rows.ts';
import { newId } from '../database/uuid.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { BoughtUnit } from './core/bought-unit.ts';
import { expiryOf } from './core/policy.ts';
import type { LicenseKeys } from './license-key.ts';
import { viewLicense } from './license-view.ts';
import { recordEvents } from './record-event.ts';
import { billed } from './set-billing.ts';
import { policyWithProduct, withDetails } from './store.ts';

/** A license that nobody has said anything of yet but its policy: active, for the policy's term, with a key of its own. */
export function newLicense(keys: LicenseKeys, { scope, policy, product, key }: { scope: Scope; policy: PolicyRow; product: ProductRow; key?: string | undefined }, now: Date): LicenseRow {
  const shownKey = key ?? keys.mint(product.keyPrefix);
  const { hash, slip } = keys.read(shownKey);
  return {
    id: newId(), scopeId: scope.id, keyHash: hash, keyEncrypted: keys.encrypt(shownKey), keyLookalike: slip, keyMessageId: null,
    name: null, productId: product.id, policyId: policy.id, policySince: null, customerId: null,
    vendorStatus: 'active', enabled: true, vendorExpiresAt: null, expiresAt: expiryOf(policy, now),
    maxMachinesOverride: null, maxUsesOverride: null, usesCount: 0, fingerprintsCount: 0, eventsCount: 0, metadata: {}, lastValidatedAt: null,
    stripePurchaseId: null, stripeItemId: null, stripeUnit: null, mappingId: null,
    stripePriceId: null, stripeCustomerId: null, stripeSubscriptionId: null, stripeCheckoutSessionId: null, seats: null,
    billingState: null, billingReason: null, billingRenews: false, graceEndsAt: null, cancelsAt: null, paidThrough: null,
    toldStatus: 'active', toldGrace: false, remindedEnd: null, remindedDays: null, invoiceUrl: null, toldAt: null, dueAt: null,
    createdAt: now, updatedAt: now, deletedAt: null,
  };
}

/**
 * Issues the licenses of bought units, in the caller's transaction: however many, in a few statements. The caller holds the lock
 * of the purchase; a unit that has its license already is refused by the unique index on item and unit.
 */
export async function issueLicenses(
  tx: Transaction,
  { keys, slackHours }: { keys: LicenseKeys; slackHours: number },
  { scope, units }: { scope: Scope; units: BoughtUnit[] },
  now: Date,
): Promise<LicenseRow[]> {
  const policies = new Map<string, Awaited<ReturnType<typeof policyWithProduct>>>();
  for (const policyId of new Set(units.map((bought) => bought.policyId))) policies.set(policyId, await policyWithProduct(tx, { scopeId: scope.id }, policyId));
  const issued = units.flatMap((bought) => {
    const found = policies.get(bought.policyId);
    return found ? [{ bought, license: issue(tx, newLicense(keys, { scope, ...found }, now), bought, now) }] : [];
  });
  await tx.flush();
  for (const { bought, license } of issued) grant(tx, license, bought);
  await tx.flush();
  const licenses = issued.map(({ license }) => license);
  const told = await withDetails(tx, licenses);
  await recordEvents(tx, told.map((license) => ({ scopeId: scope.id, type: 'license.created', licenseId: license.id, data: viewLicense(license, slackHours, now) })), now);
  return licenses;
}

function issue(tx: Transaction, fresh: LicenseRow, bought: BoughtUnit, now: Date): LicenseRow {
  const license = tx.create(License, {
    ...fresh, ...billed(fresh, bought, fresh, now),
    stripePurchaseId: bought.purchaseId, stripeItemId: bought.itemId, stripeUnit: bought.unit,
  });
  tx.persist(license);
  return license;
}

function grant(tx: Transaction, { scopeId, id: licenseId }: LicenseRow, { entitlementIds }: BoughtUnit): void {
  for (const entitlementId of new Set(entitlementIds)) tx.persist(tx.create(LicenseEntitlement, { scopeId, licenseId, entitlementId, grantedBy: 'billing' }));
}
