import { License } from '../database/license-rows.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { refuse, type Result } from '../errors.ts';
import { changeCustomer } from './change-customer.ts';

/**
 * Deletes a customer who has no license. Whoever gives them one locks their row first: one of the two sees the other. Stripe's
 * customers that they were are left without one, and the next purchase makes a new customer.
 */
export async function deleteCustomer(database: Database, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<unknown>> {
  return changeCustomer(database, { scope, id }, async (tx, customer) => {
    const licenses = await tx.count(License, { scopeId: scope.id, customerId: customer.id, deletedAt: null });
    if (licenses > 0) return refuse('CONFLICT', `The customer has ${licenses} licenses. Delete those first, or give them to another customer.`, { licenses });
    return { ok: true, given: { deletedAt: now } };
  }, now);
}
