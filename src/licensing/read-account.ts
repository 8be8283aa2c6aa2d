import { Account, type AccountRow } from '../database/account-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';

/** What customers are told of a vendor. `name` is null while nobody named the account that every installation begins with. */
export type Vendor = { name: string | null; supportEmail: string | null; websiteUrl: string | null };

export async function readAccount(database: Database, { accountId }: Pick<Scope, 'accountId'>): Promise<AccountRow> {
  return reading(database).findOneOrFail(Account, { id: accountId });
}

/** What customers are told of this vendor. */
export function vendorOf({ slug, name, supportEmail, websiteUrl }: AccountRow): Vendor {
  return { name: slug === 'default' && name === 'Default' ? null : name, supportEmail, websiteUrl };
}
