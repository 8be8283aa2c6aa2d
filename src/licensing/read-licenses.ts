import type { FilterQuery } from '@mikro-orm/core';
import { License, type LicenseRow } from '../database/license-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { LicenseKeys } from './license-key.ts';
import { customerIdsByEmail, type LicenseDetails, withDetails } from './store.ts';

export type { LicenseDetails };

export type LicenseFilter = {
  productId?: string | undefined;
  policyId?: string | undefined;
  customerId?: string | undefined;
  userEmail?: string | undefined;
  key?: string | undefined;
  expiresBefore?: Date | undefined;
  expiresAfter?: Date | undefined;
  stripeSubscriptionId?: string | undefined;
};

/** A page of licenses. Null: the cursor is of another list. */
export async function listLicenses(
  { database, keys }: { database: Database; keys: LicenseKeys },
  scope: Scope,
  filter: LicenseFilter,
  page: PageRequest,
): Promise<Page<LicenseDetails> | null> {
  const tx = database.em.fork();
  const where = { ...liveIn(scope), $and: await conditionsOf(tx, keys, scope, filter) };
  const list = {
    at: (id: string) => tx.findOne(License, liveRow(scope, id)),
    after: (last: LicenseRow | null, limit: number) => tx.find(License, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<LicenseRow>(list, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

async function conditionsOf(tx: Transaction, keys: LicenseKeys, scope: Scope, filter: LicenseFilter): Promise<FilterQuery<LicenseRow>[]> {
  const { userEmail, key, expiresBefore, expiresAfter, ...equal } = filter;
  const conditions: FilterQuery<LicenseRow>[] = [Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined))];
  if (key !== undefined) conditions.push({ keyHash: keys.lookupHash(key) ?? Buffer.alloc(0) });
  if (expiresBefore) conditions.push({ expiresAt: { $lt: expiresBefore } });
  if (expiresAfter) conditions.push({ expiresAt: { $gt: expiresAfter } });
  if (userEmail !== undefined) conditions.push({ customerId: { $in: await customerIdsByEmail(tx, scope, userEmail) } });
  return conditions;
}

export async function readLicense(database: Database, scope: Scope, id: string): Promise<Result<LicenseDetails>> {
  const tx = database.em.fork();
  const license = await tx.findOne(License, liveRow(scope, id));
  const [details] = license ? await withDetails(tx, [license]) : [];
  return details ? ok(details) : notFound();
}
