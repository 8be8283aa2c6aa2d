import type { LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { BoughtUnit } from './core/bought-unit.ts';
import { lookAgain } from './look-again.ts';
import { policyWithProduct, replaceBillingEntitlements } from './store.ts';

/**
 * Makes a license what billing says it should be, in the caller's transaction. What the vendor decided stays: the
 * vendor's status is not touched, and a later expiry that the vendor gave is never shortened. An issued license keeps its policy
 * and entitlements until another price is bought, so that a mapping which was edited or made anew counts for what is issued
 * from then on; `moves` has it go to those that were bought all the same: it is being issued, or its mapping is applied.
 */
export async function setBilling(tx: Transaction, change: { license: LicenseRow; bought: BoughtUnit; moves?: boolean }, now: Date): Promise<void> {
  const { license, bought } = change;
  const moves = change.moves === true || license.stripePriceId !== bought.priceId;
  const policyId = moves ? bought.policyId : license.policyId;
  const productId = policyId === license.policyId ? license.productId : (await policyWithProduct(tx, license, policyId)).product.id;
  const moved = policyId !== license.policyId;
  const next = billed(license, bought, { policyId, productId }, now);
  if (differs(license, next)) Object.assign(license, next, { updatedAt: now });
  if (!moves) return;
  await tx.flush();
  if (moved) await lookAgain(tx, { licenseId: license.id }, now);
  await replaceBillingEntitlements(tx, license, bought.entitlementIds);
}

/** What billing says of a license, in its columns. */
export function billed(license: LicenseRow, bought: BoughtUnit, { policyId, productId }: { policyId: string; productId: string }, now: Date): Partial<LicenseRow> {
  const { state, reason, renews, graceEndsAt, cancelsAt, paidThrough } = bought.billing;
  return {
    policyId,
    policySince: policyId === license.policyId ? license.policySince : now,
    productId,
    mappingId: bought.mappingId,
    customerId: license.customerId ?? bought.customerId,
    seats: bought.seats,
    stripePriceId: bought.priceId,
    stripeCustomerId: bought.stripeCustomerId ?? license.stripeCustomerId,
    stripeSubscriptionId: bought.stripeSubscriptionId,
    stripeCheckoutSessionId: bought.stripeCheckoutSessionId ?? license.stripeCheckoutSessionId,
    billingState: state, billingReason: reason, billingRenews: renews, graceEndsAt, cancelsAt, paidThrough,
    expiresAt: bought.expiresAt === 'POLICY' ? license.expiresAt : latest(bought.expiresAt, license.vendorExpiresAt),
  };
}

function latest(expiry: Date, vendorExpiry: Date | null): Date {
  return vendorExpiry !== null && vendorExpiry > expiry ? vendorExpiry : expiry;
}

function differs(license: LicenseRow, next: Partial<LicenseRow>): boolean {
  const before = Object.fromEntries(Object.entries(license).filter(([name]) => Object.hasOwn(next, name)));
  return JSON.stringify(Object.entries(before).sort()) !== JSON.stringify(Object.entries(next).sort());
}
