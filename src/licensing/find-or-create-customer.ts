import type { CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { customerOfStripe, linkStripeCustomer, upsertCustomer } from './store.ts';

/** How a buyer is known. A guest has no Stripe customer; a buyer whose email has not been told yet has none. */
export type Contact = { stripeCustomerId: string | null; email: string | null; name: string | null };

/**
 * The customer behind a contact, in the caller's transaction: by Stripe customer, else by email (whatever its case),
 * else made. Null while no email is known.
 */
export async function findOrCreateCustomer(tx: Transaction, scope: Scope, contact: Contact, now: Date): Promise<CustomerRow | null> {
  const { stripeCustomerId, email, name } = contact;
  const known = stripeCustomerId === null ? null : await customerOfStripe(tx, scope, stripeCustomerId);
  if (known || email === null) return known;
  const customer = await upsertCustomer(tx, scope, { email, name }, now);
  if (stripeCustomerId !== null) await linkStripeCustomer(tx, scope, stripeCustomerId, customer.id);
  return customer;
}
