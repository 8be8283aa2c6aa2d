import { sql } from 'kysely';
import { Policy, type PolicyRow, Product, type ProductRow } from '../database/catalog-rows.ts';
import { type Database, query, reading, type Transaction } from '../database/orm.ts';
import { liveIn, liveRow, type Scope } from '../database/scope.ts';
import { isUuid, NO_ID } from '../database/uuid.ts';
import type { ImportedLicense, Place } from './core/imported-license.ts';
import { createProduct, productFields } from './create-product.ts';
import { findOrCreatePolicy } from './find-or-create-policy.ts';

/** Where licenses go that name no place: a product and a policy that there are already. */
export type DefaultPlace = { product: ProductRow | null; policy: PolicyRow | null };

/** The policy that a license goes under; null: one that would be made first. */
type Placed = { ok: true; policyId: string | null } | { ok: false; reason: string };

type Places = {
  database: Database;
  scope: Scope;
  defaults: DefaultPlace;
  /** Whether customers may take off machines themselves, of policies that are made. */
  allowMachineTransfer: boolean;
  dryRun: boolean;
  now: () => Date;
  /** What was made, or would have been, in words. */
  made: Set<string>;
};

export type Placing = { place(license: Pick<ImportedLicense, 'product' | 'policy'>): Promise<Placed>; made(): string[] };

/**
 * Finds the product and the policy that imported licenses name, and makes those that there are not: unlimited ones, whose licenses have limits of
 * their own. Each is looked for once. A name that stands for itself goes before what is named for all, that before a mere number.
 */
export function placeLicenses(places: Omit<Places, 'made'>): Placing {
  const whole = { ...places, made: new Set<string>() };
  const known = new Map<string, Promise<Placed>>();
  return {
    place: ({ product, policy }) => {
      const asked = JSON.stringify([product, policy]);
      const placed = known.get(asked) ?? placeOne(whole, { product, policy });
      known.set(asked, placed);
      return placed;
    },
    made: () => [...whole.made],
  };
}

const IMPORTED = { code: 'IMPORTED', name: 'Imported', named: true };
const DEFAULT = 'default';

async function placeOne(places: Places, asked: { product: Place; policy: Place }): Promise<Placed> {
  const byId = await policyById(places, asked.policy);
  const product = await productOf(places, asked.product, byId ?? places.defaults.policy);
  if (byId) return byId.productId === product?.id ? { ok: true, policyId: byId.id } : { ok: false, reason: `The policy ${byId.id} belongs to another product` };
  return product === null ? missing(places, `${asked.policy?.name ?? DEFAULT} of ${(asked.product ?? IMPORTED).name}`) : placeIn(places, product, asked.policy);
}

async function placeIn(places: Places, product: ProductRow, asked: Place): Promise<Placed> {
  const given = places.defaults.policy;
  if (given?.productId === product.id && asked?.named !== true) return { ok: true, policyId: given.id };
  return asked === null ? policyOfProduct(places, product) : policyNamed(places, product, asked.name);
}

function missing({ made }: Places, policy: string): Placed {
  made.add(`policy ${policy}`);
  return { ok: true, policyId: null };
}

async function policyById({ database, scope }: Places, policy: Place): Promise<PolicyRow | null> {
  return policy !== null && isUuid(policy.name) ? reading(database).findOne(Policy, liveRow(scope, policy.name)) : null;
}

/** The product that is named, else the one that is given for all. Null: it would be made. */
async function productOf(places: Places, asked: Place, policy: PolicyRow | null): Promise<ProductRow | null> {
  const { database, scope, defaults } = places;
  const given = defaults.product ?? (policy && (await reading(database).findOne(Product, liveRow(scope, policy.productId))));
  if (given && asked?.named !== true) return given;
  const place = asked ?? IMPORTED;
  return (await findProduct(places, place)) ?? (places.dryRun ? wouldMake(places, place) : makeProduct(places, place));
}

function wouldMake({ made }: Places, { name }: NonNullable<Place>): null {
  made.add(`product ${name}`);
  return null;
}

async function findProduct({ database, scope }: Places, { code, name }: NonNullable<Place>): Promise<ProductRow | null> {
  const tx = reading(database);
  const [found] = await query(tx, sql<{ id: string }>`
    select id from products where scope_id = ${scope.id} and deleted_at is null and (id = ${isUuid(name) ? name : NO_ID} or code = ${code} or lower(code) = lower(${name}) or lower(name) = lower(${name}))
    order by coalesce(id::text = lower(${name}) or code = ${code}, false) desc, id limit 1`);
  return found ? tx.findOne(Product, { id: found.id }) : null;
}

const MOST_TRIES = 100;

/** Under the code it brings, or one made of its name; where another product has that, with a number behind. */
async function makeProduct(places: Places, place: NonNullable<Place>): Promise<ProductRow> {
  const base = productFields.shape.code.safeParse(place.code).data ?? codeFor(place.name);
  for (let n = 1; n < MOST_TRIES; n += 1) {
    const code = n === 1 ? base : `${base.slice(0, 46)}-${n}`;
    const created = await createProduct(places.database, places.scope, { name: place.name, code, description: null, metadata: {} }, places.now());
    if (created.ok) places.made.add(`product ${place.name} (${code})`);
    const product = created.ok ? created.value : await findProduct(places, place);
    if (product) return product;
  }
  throw new Error(`no code is free for the product ${place.name}`);
}

function codeFor(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 50) || 'IMPORTED';
}

/** The only policy of a product; of several the one of this name, which is made where there is none at all. */
async function policyOfProduct(places: Places, product: ProductRow): Promise<Placed> {
  const policies = await policiesOf(reading(places.database), places, product);
  const chosen = policies.find(({ name }) => name === DEFAULT) ?? policies[0];
  if (policies.length > 1 && chosen?.name !== DEFAULT) return { ok: false, reason: `The product ${product.name} has several policies: name one, in the file or with --policy` };
  return chosen ? { ok: true, policyId: chosen.id } : policyNamed(places, product, DEFAULT);
}

async function policyNamed(places: Places, product: ProductRow, name: string): Promise<Placed> {
  const { allowMachineTransfer, database, dryRun, scope } = places;
  const find = async (tx: Transaction) => (await policiesOf(tx, places, product)).find((policy) => policy.name.toLowerCase() === name.toLowerCase()) ?? null;
  if (dryRun) {
    const found = await find(reading(database));
    return found ? { ok: true, policyId: found.id } : missing(places, `${name} of ${product.name}`);
  }
  const request = { productId: product.id, name, allowMachineTransfer, requireFingerprint: false };
  const found = await findOrCreatePolicy(database, scope, { request, find }, places.now());
  if (!found.ok) return { ok: false, reason: found.message };
  if (found.value.created) places.made.add(`policy ${name} of ${product.name}`);
  return { ok: true, policyId: found.value.policy.id };
}

async function policiesOf(tx: Transaction, { scope }: Places, product: ProductRow): Promise<PolicyRow[]> {
  return tx.find(Policy, { ...liveIn(scope), productId: product.id }, { orderBy: { id: 'asc' } });
}

/** The product with this code and the policy with this name or id that are given for all licenses which name none; `missing` is the one there is not. */
export async function findDefaultPlace(database: Database, scope: Scope, { product: code, policy: named }: { product: string | undefined; policy: string | undefined }): Promise<{ place: DefaultPlace; missing: 'product' | 'policy' | null }> {
  const tx = reading(database);
  const product = code === undefined ? null : await tx.findOne(Product, { ...liveIn(scope), code });
  const policies = named === undefined ? [] : await tx.find(Policy, { ...liveIn(scope), ...(product && { productId: product.id }), ...(isUuid(named) ? { id: named } : { name: named }) }, { orderBy: { id: 'asc' } });
  const missing = code !== undefined && !product ? 'product' : named !== undefined && policies.length !== 1 ? 'policy' : null;
  return { place: { product, policy: policies[0] ?? null }, missing };
}
