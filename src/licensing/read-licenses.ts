import { LockMode } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { License, type LicenseRow } from '../database/license-rows.ts';
import { containing, type Database, query, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { Status } from './core/status.ts';
import type { LicenseKeys } from './license-key.ts';
import type { Licensing } from './licensing.ts';
import { detailsOf, type LicenseDetails, withDetails } from './store.ts';

export type { LicenseDetails };

export type LicenseFilter = {
  status?: Status | undefined;
  productId?: string | undefined;
  policyId?: string | undefined;
  customerId?: string | undefined;
  userEmail?: string | undefined;
  key?: string | undefined;
  expiresBefore?: Date | undefined;
  expiresAfter?: Date | undefined;
  stripeSubscriptionId?: string | undefined;
  /** A part of the name or of the customer's email or name, in any case; or a whole key or id. */
  q?: string | undefined;
};

/** A page of licenses. Null: the cursor is of another list. */
export async function listLicenses(
  { database, keys, slackHours }: Licensing,
  scope: Scope,
  { filter, page }: { filter: LicenseFilter; page: PageRequest },
  now: Date,
): Promise<Page<LicenseDetails> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(License, rowOf(scope, id)),
    after: async (last: LicenseRow | null, limit: number) => {
      const matching = await query(tx, matchingIds({ scope, keys, filter, slackHours, after: last?.id ?? null, limit }, now));
      return tx.find(License, { id: { $in: matching.map(({ id }) => id) } }, { orderBy: newestFirst });
    },
  };
  const found = await readPage<LicenseRow>(list, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

type Search = { scope: Scope; keys: LicenseKeys; filter: LicenseFilter; slackHours: number; after: string | null; limit: number };

function matchingIds({ scope, keys, filter, slackHours, after, limit }: Search, now: Date): RawBuilder<{ id: string }> {
  const { status, productId, policyId, customerId, userEmail, key, expiresBefore, expiresAfter, stripeSubscriptionId, q } = filter;
  const conditions = [
    sql`l.scope_id = ${scope.id} and l.deleted_at is null`,
    after !== null && sql`l.id < ${after}`,
    productId !== undefined && sql`l.product_id = ${productId}`,
    policyId !== undefined && sql`l.policy_id = ${policyId}`,
    customerId !== undefined && sql`l.customer_id = ${customerId}`,
    stripeSubscriptionId !== undefined && sql`l.stripe_subscription_id = ${stripeSubscriptionId}`,
    key !== undefined && sql`l.key_hash = ${keys.read(key).hash}`,
    userEmail !== undefined && sql`lower(c.email) = lower(${userEmail})`,
    expiresBefore !== undefined && sql`l.expires_at < ${expiresBefore}`,
    expiresAfter !== undefined && sql`l.expires_at > ${expiresAfter}`,
    status !== undefined && sql`${statusInSql(slackHours, now)} = ${status}`,
    q !== undefined && textMatches(q, keys),
  ].filter((condition) => condition !== false);
  return sql`
    select l.id from licenses l left join customers c on c.id = l.customer_id
    where ${sql.join(conditions, sql` and `)} order by l.id desc limit ${limit}`;
}

function textMatches(q: string, keys: LicenseKeys): RawBuilder<unknown> {
  const part = containing(q);
  return sql`(l.name ilike ${part} or c.email ilike ${part} or c.name ilike ${part} or l.id::text = ${q.toLowerCase()} or l.key_hash = ${keys.read(q).hash})`;
}

/** `effectiveStatus` of licensing/core/status.ts, as PostgreSQL says it: a list is filtered by it before it is paged. */
function statusInSql(slackHours: number, now: Date): RawBuilder<unknown> {
  return sql`case
    when l.vendor_status = 'banned' or c.banned_at is not null then 'banned'
    when l.vendor_status = 'revoked' or l.billing_state = 'REVOKED' then 'revoked'
    when l.vendor_status = 'suspended' or not l.enabled or l.billing_state = 'SUSPENDED' or (l.billing_state = 'GRACE' and l.grace_ends_at <= ${now}) then 'suspended'
    when ${now} >= case
      when l.billing_state = 'GRACE' and l.grace_ends_at is not null then greatest(l.grace_ends_at, l.expires_at)
      when l.billing_renews then l.expires_at + make_interval(hours => ${slackHours})
      else l.expires_at end then 'expired'
    else 'active' end`;
}

/** One license of the scope; with `own`, only that one. */
export async function readLicense(database: Database, { scope, id, own }: { scope: Pick<Scope, 'id'>; id: string; own: string | null }): Promise<Result<LicenseDetails>> {
  const tx = reading(database);
  const license = own === null || own === id.toLowerCase() ? await tx.findOne(License, liveRow(scope, id)) : null;
  return license ? ok(await detailsOf(tx, license)) : notFound();
}

/** The license of the scope that a key opens. */
export async function readLicenseByKey({ database, keys }: Pick<Licensing, 'database' | 'keys'>, scope: Scope, key: string): Promise<Result<LicenseDetails>> {
  const tx = reading(database);
  const license = await tx.findOne(License, { ...liveIn(scope), keyHash: keys.read(key).hash });
  return license ? ok(await detailsOf(tx, license)) : notFound();
}

/** The licenses of these purchases, newest first; with `locked`, nobody else changes them until the transaction ends. */
export async function licensesOfPurchases(tx: Transaction, scope: Scope, { purchaseIds, locked = false }: { purchaseIds: string[]; locked?: boolean }): Promise<LicenseDetails[]> {
  const lock = locked ? ({ lockMode: LockMode.PESSIMISTIC_WRITE } as const) : {};
  return withDetails(tx, await tx.find(License, { ...liveIn(scope), stripePurchaseId: { $in: purchaseIds } }, { orderBy: newestFirst, ...lock }));
}
