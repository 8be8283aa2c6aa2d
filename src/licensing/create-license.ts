import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { Policy, type PolicyRow, Product } from '../database/catalog-rows.ts';
import { License, LicenseEntitlement, type LicenseRow } from '../database/license-rows.ts';
import { insertUnlessTaken, inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { ok, refuse, type Refused, refuseField, type Result } from '../errors.ts';
import type { Features } from './core/features.ts';
import { broughtKey } from './core/license-key-text.ts';
import { metadata } from './core/metadata.ts';
import { moment } from './core/moment.ts';
import { overridesRefused } from './core/policy.ts';
import { customerFor } from './customer-for.ts';
import { expectLookalikes } from './find-license.ts';
import { newLicense } from './issue-license.ts';
import type { Licensing } from './licensing.ts';
import { setFeatures } from './set-features.ts';
import { allEntitlementsExist, detailsOf, heldCustomer, type LicenseDetails } from './store.ts';
import { tellLife } from './tell-life.ts';

const limit = z.int().positive().max(2_147_483_647).nullable();

/** What a vendor may say of a license, on create and later. */
export const licenseFields = z.strictObject({
  name: z.string().min(1).max(255).nullable(),
  expiresAt: moment.nullable(),
  maxMachinesOverride: limit,
  maxUsesOverride: limit,
  userEmail: z.email().max(320).nullable(),
  userName: z.string().min(1).max(255).nullable(),
  metadata,
});

export const licenseRequest = licenseFields.partial().extend({
  policyId: z.uuid(),
  productId: z.uuid().optional(),
  entitlementIds: z.array(z.uuid()).max(100).default([]),
  key: broughtKey.optional(),
});

/** `customerId`: whose it is, where they are known by it and not by their email. */
type LicenseRequest = z.output<typeof licenseRequest> & { customerId?: string | undefined; features?: Features | undefined };

/** A license that the vendor makes by hand or brings along, with a key of its own or the one given. */
export async function createLicense(licensing: Licensing, scope: Scope, request: LicenseRequest, now: Date): Promise<Result<LicenseDetails>> {
  const created = await inTransaction(licensing.database, async (tx) => {
    const refusal = await refusalOf(tx, scope, request);
    if (!refusal.ok) return refusal;
    const owner = await ownerOf(tx, scope, request, now);
    if (!owner.ok) return owner;
    const license = tx.create(License, await rowOf(tx, licensing, { scope, request, policy: refusal.value, customerId: owner.value }, now));
    if (!(await insertUnlessTaken(tx, license))) return refuse('CONFLICT', 'A license with this key exists already.');
    for (const entitlementId of new Set(request.entitlementIds)) {
      tx.persist(tx.create(LicenseEntitlement, { scopeId: scope.id, licenseId: license.id, entitlementId, grantedBy: 'vendor' }));
    }
    const featured = request.features === undefined ? null : await setFeatures(tx, license, request.features, now);
    if (featured?.ok === false) return featured;
    await tellLife(tx, licensing, { scope, licenses: [license], occasion: { by: 'vendor', event: 'license.created' } }, now);
    return ok(await detailsOf(tx, license));
  });
  if (created.ok && created.value.keyLookalike) expectLookalikes(licensing.database);
  return created;
}

/** The policy, locked against its deletion, or what of the request it does not allow. */
async function refusalOf(tx: Transaction, scope: Scope, request: LicenseRequest): Promise<{ ok: true; value: PolicyRow } | Refused> {
  const policy = await tx.findOne(Policy, liveRow(scope, request.policyId), { lockMode: LockMode.PESSIMISTIC_READ });
  if (policy === null) return refuseField('policyId', 'No policy has this id.', 'unknown_id');
  if (request.productId !== undefined && request.productId !== policy.productId) {
    return refuseField('productId', 'The policy belongs to another product. Leave productId out, or give the policy of that product.', 'other_product');
  }
  if (request.userName != null && request.userEmail == null) return refuseNameAlone();
  if (!(await allEntitlementsExist(tx, scope, request.entitlementIds))) return refuseField('entitlementIds', 'Not every id is an entitlement.', 'unknown_id');
  if (overridesRefused(policy, request)) return refuseOverrides();
  return ok(policy);
}

/** The refusals that creating and changing a license share. */
export function refuseOverrides() {
  return refuse('OVERRIDES_NOT_ALLOWED', 'The policy is not overridable: it allows no maxMachinesOverride and no maxUsesOverride.');
}

export function refuseNameAlone() {
  return refuseField('userName', 'A name belongs to a customer: send userEmail with it.', 'email_required');
}

/** Whose license it becomes. */
async function ownerOf(tx: Transaction, scope: Scope, { customerId, userEmail, userName = null }: LicenseRequest, now: Date): Promise<Result<string | null>> {
  if (customerId === undefined) return ok(userEmail == null ? null : (await customerFor(tx, scope, { email: userEmail, name: userName }, now)).id);
  const customer = await heldCustomer(tx, scope, customerId);
  return customer ? ok(customer.id) : refuseField('customerId', 'No customer has this id.', 'unknown_id');
}

type Ordered = { scope: Scope; request: LicenseRequest; policy: PolicyRow; customerId: string | null };

async function rowOf(tx: Transaction, { keys }: Licensing, { scope, request, policy, customerId }: Ordered, now: Date): Promise<LicenseRow> {
  const product = await tx.findOneOrFail(Product, { id: policy.productId, scopeId: scope.id });
  const { name, expiresAt, maxMachinesOverride, maxUsesOverride, metadata, key } = request;
  const blank = newLicense(keys, { scope, policy, product, key }, now);
  return {
    ...blank,
    name: name ?? null,
    expiresAt: expiresAt === undefined ? blank.expiresAt : expiresAt,
    vendorExpiresAt: expiresAt ?? null,
    maxMachinesOverride: maxMachinesOverride ?? null,
    maxUsesOverride: maxUsesOverride ?? null,
    customerId,
    metadata: metadata ?? {},
  };
}
