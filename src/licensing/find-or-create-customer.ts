import type { CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { changeContact, customerFor } from './customer-for.ts';
import { customerIdsByEmail, customerOfStripe, linkStripeCustomer } from './store.ts';

/**
 * How a buyer is known. A guest has no Stripe customer; a buyer whose email has not been told yet has none. `changed`: they
 * changed their email where they bought.
 */
export type Contact = { stripeCustomerId: string | null; email: string | null; name: string | null; changed: boolean };

/**
 * The customer behind a contact, in the caller's transaction: by Stripe customer, else by email (whatever its case),
 * else made. Null while no email is known. One that the vendor deleted stays deleted: who buys again is a new customer.
 */
export async function findOrCreateCustomer(tx: Transaction, scope: Scope, contact: Contact, now: Date): Promise<CustomerRow | null> {
  const { stripeCustomerId, email, name } = contact;
  const known = stripeCustomerId === null ? null : await customerOfStripe(tx, scope, stripeCustomerId);
  if (known) await follow(tx, scope, { known, contact }, now);
  if (known || email === null) return known;
  const customer = await customerFor(tx, scope, { email, name }, now);
  if (stripeCustomerId !== null) await linkStripeCustomer(tx, scope, stripeCustomerId, customer.id);
  return customer;
}

/** Takes over what was not known before: a changed email, and a name, which whoever was told first need not have told. */
async function follow(tx: Transaction, scope: Scope, { known, contact }: { known: CustomerRow; contact: Contact }, now: Date): Promise<void> {
  const { email, name, changed } = contact;
  if (changed && !known.emailSetByVendor && email !== null && known.email !== email) await moveContact(tx, scope, { customer: known, email }, now);
  if (known.name === null && name !== null) await changeContact(tx, known, { name }, now);
}

/** Follows a changed email, unless the vendor set it here or another customer has it: licenses never move from one customer to another. */
async function moveContact(tx: Transaction, scope: Scope, { customer, email }: { customer: CustomerRow; email: string }, now: Date): Promise<void> {
  if ((await customerIdsByEmail(tx, scope, email)).length > 0) return;
  await changeContact(tx, customer, { email }, now);
}
