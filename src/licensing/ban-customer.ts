import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { refuse, type Result } from '../errors.ts';
import { changeCustomer } from './change-customer.ts';
import type { CustomerDetails } from './read-customers.ts';

/** Bans a customer, so that all of their licenses read banned, those to come too; or takes the ban back, so that they are what they were. */
export async function banCustomer(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  { banned }: { banned: boolean },
  now: Date,
): Promise<Result<CustomerDetails>> {
  return changeCustomer(database, { scope, id }, (_tx, { bannedAt }) => {
    if (banned === (bannedAt !== null)) return refuse('CONFLICT', banned ? 'The customer is banned already.' : 'The customer is not banned.');
    return { ok: true, given: { bannedAt: banned ? now : null } };
  }, now);
}
