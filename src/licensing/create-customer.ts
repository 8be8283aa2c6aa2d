import { z } from 'zod';
import { Customer } from '../database/license-rows.ts';
import { newId } from '../database/uuid.ts';
import { type Database, insertUnlessTaken, inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, type Result } from '../errors.ts';
import { metadata } from './core/metadata.ts';
import { tellContact } from './customer-for.ts';
import { type CustomerDetails, customerDetails } from './read-customers.ts';

/** What a vendor may say of a customer, on create and later. An email is kept as it is written, and is one in any case. */
export const customerFields = z.strictObject({
  email: z.email().max(320),
  name: z.string().min(1).max(255).nullable(),
  metadata,
});

export const customerRequest = customerFields.extend({
  name: customerFields.shape.name.default(null),
  metadata: customerFields.shape.metadata.default({}),
});

/** A new customer, before they have any license. Their email is the vendor's word: a change in Stripe does not replace it. */
export async function createCustomer(database: Database, scope: Scope, request: z.output<typeof customerRequest>, now: Date): Promise<Result<CustomerDetails>> {
  return inTransaction(database, async (tx) => {
    const customer = tx.create(Customer, {
      ...request, id: newId(), scopeId: scope.id, bannedAt: null, emailSetByVendor: true, unsubscribedAt: null, createdAt: now, updatedAt: now, deletedAt: null,
    });
    if (!(await insertUnlessTaken(tx, customer))) return emailTaken(request.email);
    await tellContact(tx, customer, 'customer.created', now);
    return ok(await customerDetails(tx, customer));
  });
}

export function emailTaken(email: string) {
  return refuse('CONFLICT', `A customer with the email ${email} exists already.`);
}
