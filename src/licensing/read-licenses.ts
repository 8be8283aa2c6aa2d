import type { FilterQuery } from '@mikro-orm/core';
import { License, type LicenseRow } from '../database/license-rows.ts';
import type { Database } from '../database/orm.ts';
import { type Page, type PageRequest, readPage } from '../database/page.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { LicenseKeys } from './license-key.ts';
import { customerIdsByEmail, findLive, type LicenseDetails, withDetails } from './store.ts';

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
  const { userEmail, key, expiresBefore, expiresAfter, ...equal } = filter;
  const conditions: object[] = [Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined))];
  if (key !== undefined) conditions.push({ keyHash: keys.lookupHash(key) ?? Buffer.alloc(0) });
  if (expiresBefore) conditions.push({ expiresAt: { $lt: expiresBefore } });
  if (expiresAfter) conditions.push({ expiresAt: { $gt: expiresAfter } });
  if (userEmail !== undefined) conditions.push({ customerId: { $in: await customerIdsByEmail(tx, scope, userEmail) } });
  const where = { scopeId: scope.id, deletedAt: null, $and: conditions } as FilterQuery<LicenseRow> & { scopeId: number };
  const found = await readPage(tx, License, where, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

export async function readLicense(database: Database, scope: Scope, id: string): Promise<Result<LicenseDetails>> {
  const tx = database.em.fork();
  const license = await findLive(tx, License, scope, id);
  const [details] = license ? await withDetails(tx, [license]) : [];
  return details ? ok(details) : notFound();
}
