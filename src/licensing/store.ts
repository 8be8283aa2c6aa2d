import { sql } from 'kysely';
import { Entitlement, Policy, type PolicyRow, Product } from '../database/catalog-rows.ts';
import { Customer, type CustomerRow, LicenseEntitlement, type LicenseRow, StripeCustomer } from '../database/license-rows.ts';
import { newId } from '../database/uuid.ts';
import { query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { limitIn } from './core/seat.ts';

/** The rows that use cases of licensing read and write. Every question names its scope. */

/** Whether each of `ids` is an entitlement of the scope. */
export async function allEntitlementsExist(tx: Transaction, scope: Scope, ids: string[]): Promise<boolean> {
  const unique = [...new Set(ids)];
  return (await tx.count(Entitlement, { id: { $in: unique }, scopeId: scope.id, deletedAt: null })) === unique.length;
}

/** A policy with its product, even a deleted one: a license that was bought is owed all the same. */
export async function policyWithProduct(tx: Transaction, { scopeId }: { scopeId: number }, policyId: string) {
  const policy = await tx.findOneOrFail(Policy, { id: policyId, scopeId });
  const product = await tx.findOneOrFail(Product, { id: policy.productId, scopeId });
  return { policy, product };
}

/**
 * The customer that a Stripe customer is, unless deleted. Locked against deletion until the transaction ends (a key share:
 * changes of the same customer by others do not wait for it).
 */
export async function customerOfStripe(tx: Transaction, scope: Scope, stripeCustomerId: string): Promise<CustomerRow | null> {
  const [found] = await query(tx, sql<{ id: string }>`
    select c.id from stripe_customers s join customers c on c.id = s.customer_id
    where s.scope_id = ${scope.id} and s.stripe_customer_id = ${stripeCustomerId} and c.deleted_at is null for key share of c`);
  return found ? tx.findOneOrFail(Customer, { id: found.id }) : null;
}

/** A customer of the scope, locked against deletion until the transaction ends, as above. */
export async function heldCustomer(tx: Transaction, scope: Scope, customerId: string): Promise<CustomerRow | null> {
  const [found] = await query(tx, sql<{ id: string }>`select id from customers where scope_id = ${scope.id} and id = ${customerId} and deleted_at is null for key share`);
  return found ? tx.findOne(Customer, { id: found.id }) : null;
}

/** Says which customer a Stripe customer is from now on, where it is none or one that was deleted. */
export async function linkStripeCustomer(tx: Transaction, scope: Scope, stripeCustomerId: string, customerId: string): Promise<void> {
  await query(tx, sql`
    insert into stripe_customers as known (scope_id, stripe_customer_id, customer_id)
    values (${scope.id}, ${stripeCustomerId}, ${customerId})
    on conflict (scope_id, stripe_customer_id) do update set customer_id = excluded.customer_id
      where exists (select 1 from customers c where c.id = known.customer_id and c.deleted_at is not null)`);
}

/**
 * The customers with these emails, in their order, made if need be and locked against deletion. Two at once make one: the second waits for the
 * first and finds it; one that is deleted meanwhile is not found, and made anew.
 */
export async function upsertCustomers(
  tx: Transaction,
  scope: Scope,
  contacts: { email: string; name: string | null }[],
  now: Date,
): Promise<{ customer: CustomerRow; created: boolean }[]> {
  const [emails, names, created] = [contacts.map(({ email }) => email), contacts.map(({ name }) => name), new Set<string>()];
  for (;;) {
    const inserted = await query(tx, sql<{ id: string }>`
      insert into customers (id, scope_id, email, name, metadata, created_at, updated_at)
      select c.id, ${scope.id}, c.email, c.name, '{}', ${now}, ${now} from unnest(${contacts.map(newId)}::uuid[], ${emails}::text[], ${names}::text[]) as c (id, email, name)
      order by lower(c.email)
      on conflict (scope_id, lower(email)) where deleted_at is null do nothing returning id`);
    for (const { id } of inserted) created.add(id);
    const found = await query(tx, sql<{ id: string; nth: number }>`
      select c.id, asked.nth::int as nth from unnest(${emails}::text[]) with ordinality as asked (email, nth)
      join customers c on c.scope_id = ${scope.id} and lower(c.email) = lower(asked.email) and c.deleted_at is null order by c.id for key share of c`);
    if (found.length < contacts.length) continue;
    const rows = byId(await tx.find(Customer, { id: { $in: found.map(({ id }) => id) } }));
    return found.toSorted((one, other) => one.nth - other.nth).flatMap(({ id }) => rows.get(id) ?? []).map((customer) => ({ customer, created: created.has(customer.id) }));
  }
}

/** Makes the entitlements that billing grants a license exactly `entitlementIds`. What the vendor granted stays. */
export async function replaceBillingEntitlements(tx: Transaction, license: { scopeId: number; id: string }, entitlementIds: string[]): Promise<void> {
  const grant = { scopeId: license.scopeId, licenseId: license.id, grantedBy: 'billing' } as const;
  const granted = await tx.find(LicenseEntitlement, grant);
  const wanted = new Set(entitlementIds);
  const held = new Set(granted.map(({ entitlementId }) => entitlementId));
  for (const row of granted) if (!wanted.has(row.entitlementId)) tx.remove(row);
  for (const entitlementId of wanted.difference(held)) tx.persist(tx.create(LicenseEntitlement, { ...grant, entitlementId }));
}

/** A license as it is shown and judged: the row with what stands in other tables. `maxMachines` and `maxUses` are the effective ones. */
export type LicenseDetails = LicenseRow & {
  policy: PolicyRow;
  productCode: string;
  productName: string;
  keyPrefix: string;
  entitlements: string[];
  userEmail: string | null;
  userName: string | null;
  customerBanned: boolean;
  maxMachines: number | null;
  maxUses: number | null;
  machineCount: number;
};

/** Joins to a few licenses, in as many questions as there are tables, what is shown with them. */
export async function withDetails(tx: Transaction, licenses: LicenseRow[]): Promise<LicenseDetails[]> {
  const among = (values: (string | null)[]) => ({ id: { $in: [...new Set(values.filter((value) => value !== null))] } });
  const policies = byId(await tx.find(Policy, among(licenses.map((license) => license.policyId))));
  const products = byId(await tx.find(Product, among(licenses.map((license) => license.productId))));
  const customers = byId(await tx.find(Customer, among(licenses.map((license) => license.customerId))));
  const codes = await entitlementCodes(tx, licenses);
  const machines = await countMachines(tx, licenses);
  return licenses.flatMap((license) => {
    const [policy, product] = [policies.get(license.policyId), products.get(license.productId)];
    if (!policy || !product) return [];
    const shown = { policy: policyOf(license, policy), productCode: product.code, productName: product.name, keyPrefix: product.keyPrefix, entitlements: codes.get(license.id) ?? [], machineCount: machines.get(license.id) ?? 0 };
    return [{ ...license, ...shown, ...limitsOf(license, policy), ...ownerOf(customers.get(license.customerId ?? '')) }];
  });
}

/** The policy as it binds this license: it began to ask for heartbeats when the license came to it, where that was later. */
export function policyOf({ policySince }: LicenseRow, policy: PolicyRow): PolicyRow {
  const { heartbeatRequiredSince: asked } = policy;
  return { ...policy, heartbeatRequiredSince: asked !== null && policySince !== null && policySince > asked ? policySince : asked };
}

/** The license's own override, else the seats that were bought, else the policy's. */
function limitsOf({ maxMachinesOverride, seats, maxUsesOverride }: LicenseRow, policy: PolicyRow) {
  return { maxMachines: limitIn(maxMachinesOverride ?? seats ?? policy.maxMachines), maxUses: limitIn(maxUsesOverride ?? policy.maxUses) };
}

function ownerOf(customer: CustomerRow | undefined) {
  return customer
    ? { userEmail: customer.email, userName: customer.name, customerBanned: customer.bannedAt !== null }
    : { userEmail: null, userName: null, customerBanned: false };
}

/** One license with its details, or none. */
export async function detailsOf(tx: Transaction, license: LicenseRow): Promise<LicenseDetails> {
  const [details] = await withDetails(tx, [license]);
  if (!details) throw new Error(`license ${license.id} has no policy or product`);
  return details;
}

function byId<Row extends { id: string }>(found: Row[]): Map<string, Row> {
  return new Map(found.map((row) => [row.id, row]));
}

async function entitlementCodes(tx: Transaction, licenses: LicenseRow[]): Promise<Map<string, string[]>> {
  const found = await query(tx, sql<{ id: string; codes: string[] }>`
    select l.id, array(
      select e.code from entitlements e where e.scope_id = l.scope_id and e.deleted_at is null and e.id in (
        select entitlement_id from license_entitlements where scope_id = l.scope_id and license_id = l.id
        union all select entitlement_id from policy_entitlements where scope_id = l.scope_id and policy_id = l.policy_id
      ) order by e.code) as codes
    from licenses l where l.id = any(${licenses.map(({ id }) => id)}::uuid[])`);
  return new Map(found.map((row) => [row.id, row.codes]));
}

async function countMachines(tx: Transaction, licenses: LicenseRow[]): Promise<Map<string, number>> {
  const found = await query(tx, sql<{ id: string; count: number }>`
    select license_id as id, count(*)::int as count from machines
    where license_id = any(${licenses.map(({ id }) => id)}::uuid[]) and deleted_at is null group by 1`);
  return new Map(found.map(({ id, count }) => [id, count]));
}

/** How many licenses each product or customer has. */
export async function countLicenses(tx: Transaction, owner: 'product_id' | 'customer_id', ids: string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map();
  const found = await query(tx, sql<{ id: string; count: number }>`
    select ${sql.ref(owner)} as id, count(*)::int as count from licenses
    where ${sql.ref(owner)} = any(${ids}::uuid[]) and deleted_at is null group by 1`);
  return new Map(found.map(({ id, count }) => [id, count]));
}

/** The Stripe customers that each customer is. */
export async function stripeIdsOf(tx: Transaction, customerIds: string[]): Promise<Map<string, string[]>> {
  const found = await tx.find(StripeCustomer, { customerId: { $in: customerIds } }, { orderBy: { stripeCustomerId: 'asc' } });
  const ids = new Map<string, string[]>();
  for (const { customerId, stripeCustomerId } of found) ids.set(customerId, [...(ids.get(customerId) ?? []), stripeCustomerId]);
  return ids;
}

/** The customers of this email, in any case: one, or none. */
export async function customerIdsByEmail(tx: Transaction, scope: Scope, email: string): Promise<string[]> {
  const found = await query(tx, sql<{ id: string }>`
    select id from customers where scope_id = ${scope.id} and lower(email) = lower(${email}) and deleted_at is null`);
  return found.map(({ id }) => id);
}

/** Of these licenses those that are not deleted, each with its owner and the name of its product. */
export async function licensesWithProducts(tx: Transaction, { scopeId, licenseIds }: { scopeId: number; licenseIds: string[] }) {
  return query(tx, sql<{ productName: string; keyEncrypted: Uint8Array; customerId: string | null }>`
    select p.name as "productName", l.key_encrypted as "keyEncrypted", l.customer_id as "customerId"
    from licenses l join products p on p.id = l.product_id
    where l.scope_id = ${scopeId} and l.id = any(${licenseIds}::uuid[]) and l.deleted_at is null order by l.id`);
}
