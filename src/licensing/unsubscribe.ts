import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { changeCustomer } from './change-customer.ts';
import type { CustomerDetails } from './read-customers.ts';

/** Sends a customer no reminders from now on, or again; mails about keys, payments and access they always get. Twice is as once. */
export async function unsubscribe(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  { wanted }: { wanted: boolean },
  now: Date,
): Promise<Result<CustomerDetails>> {
  return changeCustomer(database, { scope, id }, (_tx, { unsubscribedAt }) => ({ ok: true, given: { unsubscribedAt: wanted ? null : (unsubscribedAt ?? now) } }), now);
}
