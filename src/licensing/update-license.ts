import { LockMode } from '@mikro-orm/core';
import type { z } from 'zod';
import { Policy } from '../database/catalog-rows.ts';
import { Customer, type LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, refuseField, type Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import { overridesRefused } from './core/policy.ts';
import { licenseFields, licenseRequest } from './create-license.ts';
import { changeContact, customerFor } from './customer-for.ts';
import type { Licensing } from './licensing.ts';
import type { LicenseDetails } from './store.ts';
import { setVendorExpiry } from './vendor-expiry.ts';

/** What of a license may be changed. An absent field stays. */
export const licenseChange = licenseFields.partial().extend({ policyId: licenseRequest.shape.policyId.optional() });

type LicenseChange = z.output<typeof licenseChange>;

/**
 * Changes what the request names. Another policy must be of the same product; the end stays as it is, and machines beyond a
 * lower limit go on running.
 */
export async function updateLicense(licensing: Licensing, { scope, id }: { scope: Scope; id: string }, request: LicenseChange, now: Date): Promise<Result<LicenseDetails>> {
  return changeLicense(licensing, { scope, id }, async (tx, license) => {
    const { policyId = license.policyId, expiresAt, userEmail, userName, name, maxMachinesOverride, maxUsesOverride, metadata } = request;
    const policy = await policyFor(tx, license, policyId);
    if (!policy.ok) return policy;
    if (overridesRefused(policy.value, request)) return refuse('OVERRIDES_NOT_ALLOWED', 'The policy is not overridable: it allows no maxMachinesOverride and no maxUsesOverride.');
    const given = { name, maxMachinesOverride, maxUsesOverride, metadata };
    Object.assign(license, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), { policyId });
    if (expiresAt !== undefined) setVendorExpiry(license, expiresAt);
    if (userEmail === null) license.customerId = null;
    else if (userEmail !== undefined) license.customerId = (await customerFor(tx, scope, { email: userEmail, name: userName ?? null }, now)).id;
    if (userName !== undefined) await nameCustomer(tx, license, userName, now);
    return { ok: true, event: 'license.updated' };
  }, now);
}

async function policyFor(tx: Transaction, license: LicenseRow, policyId: string) {
  const policy = await tx.findOne(Policy, policyId === license.policyId ? { id: policyId } : { id: policyId, scopeId: license.scopeId, deletedAt: null }, { lockMode: LockMode.PESSIMISTIC_READ });
  if (policy === null) return refuseField('policyId', 'No policy has this id.', 'unknown_id');
  if (policy.productId !== license.productId) return refuseField('policyId', 'This policy belongs to another product than the license.', 'other_product');
  return ok(policy);
}

/** A name belongs to the customer, and so to all of their licenses. */
async function nameCustomer(tx: Transaction, { customerId }: LicenseRow, name: string | null, now: Date): Promise<void> {
  const customer = customerId === null ? null : await tx.findOne(Customer, { id: customerId });
  if (customer) await changeContact(tx, customer, { name }, now);
}
