import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Policy, StripeMapping } from '../database/catalog-rows.ts';
import { StripeFactRow } from '../database/exchange-rows.ts';
import { License, type LicenseRow } from '../database/license-rows.ts';
import { query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { CustomerFact, StripeFact } from './core/facts.ts';
import { mergeMarks, supersedes } from './core/last-truth.ts';
import type { Mapping } from './core/mapping.ts';
import { namesOf } from './core/names.ts';
import { boughtIn, gatherPurchase, type Purchase, purchaseIdsIn } from './core/purchase.ts';
import type { Acquaintance } from './core/reconcile.ts';
import type { Known, Marks, Sighting } from './core/sighting.ts';

/** The rows that use cases of billing read and write. Every question names its scope. */

/** Locks Stripe ids until the transaction ends, in one order for everybody. */
export async function lockStripeIds(tx: Transaction, scope: Scope, ids: string[]): Promise<void> {
  await query(tx, sql`
    select pg_advisory_xact_lock(lock) from (
      select distinct hashtextextended(name, ${scope.id}) as lock from unnest(${ids}::text[]) as name order by lock
    ) as locks`);
}

/** Stores what was seen of an object: the last truth wins, marks add up. The caller holds its lock. */
export async function storeSighting(tx: Transaction, scope: Scope, sighting: Sighting, now: Date): Promise<void> {
  const { fact, asOf, fetched, first } = sighting;
  const marks = heardAt(sighting.marks, now);
  const stored = await tx.findOne(StripeFactRow, { scopeId: scope.id, id: fact.id });
  const seen = { kind: fact.kind, fact, asOf: new Date(asOf), first, ...namesOf(fact) };
  if (stored === null) {
    tx.persist(tx.create(StripeFactRow, { scopeId: scope.id, id: fact.id, marks, fetchedAt: fetched ? seen.asOf : null, ...seen }));
  } else {
    if (fetched && (stored.fetchedAt === null || stored.fetchedAt < seen.asOf)) stored.fetchedAt = seen.asOf;
    if (supersedes(sighting, { ...knownOf(stored), first: stored.first })) Object.assign(stored, seen);
    stored.marks = mergeMarks(stored.marks, marks);
  }
  await tx.flush();
}

function heardAt({ timeline, ...marks }: Marks, now: Date): Marks {
  return { ...marks, ...(timeline && { timeline: timeline.map((entry) => ({ ...entry, heardAt: now.toISOString() })) }) };
}

type StoredFact = { fact: StripeFact; asOf: Date; marks: Marks };

function knownOf(stored: StoredFact): Known<StripeFact> {
  return { fact: stored.fact, asOf: stored.asOf.toISOString(), marks: stored.marks };
}

/** When the stored fact of an object was last asked for; null: never. */
export async function fetchedAtOf(tx: Transaction, scope: Scope, id: string): Promise<Date | null> {
  const stored = await tx.findOne(StripeFactRow, { scopeId: scope.id, id });
  return stored?.fetchedAt ?? null;
}

/** The stored facts that speak of the same payments as these ids, directly or through one another. */
export async function factsOfPayments(tx: Transaction, scope: Scope, paymentIds: string[]): Promise<Known<StripeFact>[]> {
  const ids = [...new Set(paymentIds)];
  if (ids.length === 0) return [];
  const rows = await tx.find(StripeFactRow, { scopeId: scope.id, paymentIds: { $overlap: ids } }, { orderBy: { id: 'asc' } });
  const further = rows.flatMap((row) => row.paymentIds).filter((id) => !ids.includes(id));
  return further.length > 0 ? factsOfPayments(tx, scope, [...ids, ...further]) : rows.map(knownOf);
}

/** The purchases that facts bear on. A customer bears on every purchase they made, money on what it paid for. */
export async function purchaseIdsOf(tx: Transaction, scope: Scope, facts: StripeFact[]): Promise<string[]> {
  const customers = facts.filter((fact) => fact.kind === 'customer').map(({ id }) => id);
  const made = await tx.find(StripeFactRow, { scopeId: scope.id, customerId: { $in: customers }, purchaseId: { $ne: null } });
  const concerned = [...facts, ...made.map(({ fact }) => fact)];
  const linked = await factsOfPayments(tx, scope, concerned.flatMap((fact) => namesOf(fact).paymentIds));
  return purchaseIdsIn([...concerned, ...linked.map(({ fact }) => fact)]);
}

/** What is stored of these subscriptions, by id; one of which nothing is stored is not among them. */
export async function acquaintances(tx: Transaction, scope: Scope, subscriptionIds: string[]): Promise<Map<string, Acquaintance>> {
  const found = new Map<string, Acquaintance>();
  for (const { id, purchaseId, fact } of await tx.find(StripeFactRow, { scopeId: scope.id, purchaseId: { $in: subscriptionIds } })) {
    if (purchaseId === id) found.set(id, { fact, known: true });
    else if (purchaseId !== null && !found.has(purchaseId)) found.set(purchaseId, { fact: null, known: true });
  }
  return found;
}

/** Whether anything that is stored tells of this subscription. */
export async function isKnownSubscription(tx: Transaction, scope: Scope, id: string): Promise<boolean> {
  const facts = await factsOfPurchase(tx, scope, id);
  return facts.some((fact) => fact.kind === 'subscription' || ('subscriptionId' in fact && fact.subscriptionId === id));
}

/** The stored facts that belong to a purchase by themselves. */
export async function factsOfPurchase(tx: Transaction, scope: Scope, purchaseId: string): Promise<StripeFact[]> {
  const rows = await tx.find(StripeFactRow, { scopeId: scope.id, purchaseId }, { orderBy: { id: 'asc' } });
  return rows.map(({ fact }) => fact);
}

/** The purchases with a license that a mapping issued and that has not ended, those with the newest license first. */
export async function purchaseIdsOfMapping(tx: Transaction, scope: Scope, mappingId: string): Promise<string[]> {
  const rows = await query(tx, sql<{ id: string }>`
    select stripe_purchase_id as id from licenses
    where scope_id = ${scope.id} and mapping_id = ${mappingId} and deleted_at is null and stripe_purchase_id is not null and billing_state <> 'ENDED'
      and vendor_status in ('active', 'suspended')
    group by 1 order by max(id::text) desc`);
  return rows.map(({ id }) => id);
}

/** Everything known of a purchase and of the customer who made it. */
export async function loadPurchase(tx: Transaction, scope: Scope, purchaseId: string): Promise<{ purchase: Purchase; customer: Known<CustomerFact> | null }> {
  const own = (await tx.find(StripeFactRow, { scopeId: scope.id, purchaseId }, { orderBy: { id: 'asc' } })).map(knownOf);
  const linked = await factsOfPayments(tx, scope, own.flatMap(({ fact }) => namesOf(fact).paymentIds));
  const purchase = gatherPurchase(purchaseId, [...own, ...linked]);
  const customerId = [...own, ...linked].map(({ fact }) => namesOf(fact).customerId).find((id) => id !== null);
  const row = customerId == null ? null : await tx.findOne(StripeFactRow, { scopeId: scope.id, id: customerId });
  const customer = row && knownOf(row);
  return { purchase, customer: customer?.fact.kind === 'customer' ? { ...customer, fact: customer.fact } : null };
}

/** The licenses issued for a purchase, locked in one order, deleted ones too: what was issued once is not issued again. An invoice may have been taken for a purchase of its own. */
export async function licensesOfPurchase(tx: Transaction, scope: Scope, { id, invoices }: Purchase): Promise<LicenseRow[]> {
  const ids = [id, ...invoices.map(({ fact }) => fact.id)];
  return tx.find(License, { scopeId: scope.id, stripePurchaseId: { $in: ids } }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** The mappings of what a purchase bought, and those that issued its `licenses`, with what billing must know of their policies. */
export async function loadMappings(tx: Transaction, scope: Scope, { purchase, licenses }: { purchase: Purchase; licenses: LicenseRow[] }): Promise<Mapping[]> {
  const used = licenses.flatMap(({ mappingId }) => mappingId ?? []);
  const bought = boughtIn(purchase);
  const prices = distinct(bought.map(({ priceId }) => priceId));
  const products = distinct(bought.map(({ productId }) => productId));
  const mapped = [{ stripePriceId: { $in: prices } }, { stripeProductId: { $in: products } }].map((target) => ({ ...target, deletedAt: null }));
  const found = await tx.find(StripeMapping, { scopeId: scope.id, $or: [...mapped, { id: { $in: used } }] }, { orderBy: { id: 'asc' } });
  const policies = await tx.find(Policy, { id: { $in: [...new Set(found.map(({ policyId }) => policyId))] } });
  const strategies = new Map(policies.map(({ id, expirationStrategy }) => [id, expirationStrategy]));
  return found.map((mapping) => ({
    ...mapping,
    active: mapping.active && mapping.deletedAt === null,
    expirationStrategy: strategies.get(mapping.policyId) ?? 'RESTRICT_ACCESS',
  }));
}

function distinct(ids: (string | null)[]): string[] {
  return [...new Set(ids)].filter((id) => id !== null);
}
