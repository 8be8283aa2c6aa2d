import type { z } from 'zod';
import { type Database, unlessTaken } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { changeCustomer } from './change-customer.ts';
import { customerFields, emailTaken } from './create-customer.ts';
import type { CustomerDetails } from './read-customers.ts';

export const customerChange = customerFields.partial();

/** Changes what the request names. An email that the vendor gave is no longer replaced by one from Stripe. */
export async function updateCustomer(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  request: z.output<typeof customerChange>,
  now: Date,
): Promise<Result<CustomerDetails>> {
  const given = { ...request, ...(request.email !== undefined && { emailSetByVendor: true }) };
  const updated = changeCustomer(database, { scope, id }, () => ({ ok: true, given }), now);
  return unlessTaken(updated, emailTaken(request.email ?? ''));
}
