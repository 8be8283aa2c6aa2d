import { LockMode } from '@mikro-orm/core';
import type { z } from 'zod';
import { Policy } from '../database/catalog-rows.ts';
import { Customer, type LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuseField, type Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import type { Features } from './core/features.ts';
import { overridesRefused } from './core/policy.ts';
import { licenseFields, licenseRequest, refuseNameAlone, refuseOverrides } from './create-license.ts';
import { changeContact, customerFor } from './customer-for.ts';
import type { Licensing } from './licensing.ts';
import { lookAgain } from './look-again.ts';
import { setFeatures } from './set-features.ts';
import type { LicenseDetails } from './store.ts';
import { vendorExpiry } from './vendor-expiry.ts';
import { writeChanges } from './write-changes.ts';

/** What of a license may be changed. An absent field stays. */
export const licenseChange = licenseFields.partial().extend({ policyId: licenseRequest.shape.policyId.optional() });

type LicenseChange = z.output<typeof licenseChange> & { features?: Features | undefined };

/**
 * Changes what the request names. Another policy must be of the same product; the end stays as it is, and machines beyond a
 * lower limit go on running.
 */
export async function updateLicense(licensing: Licensing, { scope, id }: { scope: Scope; id: string }, request: LicenseChange, now: Date): Promise<Result<LicenseDetails>> {
  return changeLicense(licensing, { scope, id }, async (tx, license, at) => {
    const { policyId = license.policyId, expiresAt, userEmail: _userEmail, userName, features, ...fields } = request;
    const policy = await policyFor(tx, license, policyId);
    if (!policy.ok) return policy;
    const moved = policyId !== license.policyId;
    if (overridesRefused(policy.value, moved ? { ...license, ...request } : request)) return refuseOverrides();
    const given = { ...fields, policyId, ...(moved && { policySince: at }), ...(expiresAt !== undefined && vendorExpiry(license, expiresAt)), ...(await ownerOf(tx, scope, request, at)) };
    const changed = await write(tx, license, given, at);
    const beside = await writeBeside(tx, license, { userName, features }, at);
    return beside.ok ? { ok: true, event: changed || beside.value ? 'license.updated' : null } : beside;
  }, now);
}

/** Says whether anything is other than before. Under another policy its machines may be dead at another time. */
async function write(tx: Transaction, license: LicenseRow, given: Partial<LicenseRow>, now: Date): Promise<boolean> {
  const { policyId } = license;
  const changed = writeChanges(license, given, now);
  if (license.policyId !== policyId) await lookAgain(tx, { licenseId: license.id }, now);
  return changed;
}

async function policyFor(tx: Transaction, license: LicenseRow, policyId: string) {
  const policy = await tx.findOne(Policy, policyId === license.policyId ? { id: policyId } : { id: policyId, scopeId: license.scopeId, deletedAt: null }, { lockMode: LockMode.PESSIMISTIC_READ });
  if (policy === null) return refuseField('policyId', 'No policy has this id.', 'unknown_id');
  if (policy.productId !== license.productId) return refuseField('policyId', 'This policy belongs to another product than the license.', 'other_product');
  return ok(policy);
}

/** Whose license it becomes, where the request names somebody or nobody. */
async function ownerOf(tx: Transaction, scope: Scope, { userEmail, userName = null }: LicenseChange, now: Date): Promise<{ customerId?: string | null }> {
  if (userEmail === undefined) return {};
  return { customerId: userEmail === null ? null : (await customerFor(tx, scope, { email: userEmail, name: userName }, now)).id };
}

/** What of it stands in other tables. Says whether anything is other than before. */
async function writeBeside(tx: Transaction, license: LicenseRow, { userName, features }: Pick<LicenseChange, 'userName' | 'features'>, now: Date): Promise<Result<boolean>> {
  if (userName != null && license.customerId === null) return refuseNameAlone();
  const renamed = userName !== undefined && (await nameCustomer(tx, license, userName, now));
  const featured = features === undefined ? ok(false) : await setFeatures(tx, license, features, now);
  return featured.ok ? ok(renamed || featured.value) : featured;
}

/** A name belongs to the customer, and so to all of their licenses. Says whether it is another than before. */
async function nameCustomer(tx: Transaction, { customerId }: LicenseRow, name: string | null, now: Date): Promise<boolean> {
  const customer = customerId === null ? null : await tx.findOne(Customer, { id: customerId });
  if (customer === null || customer.name === name) return false;
  await changeContact(tx, customer, { name }, now);
  return true;
}
