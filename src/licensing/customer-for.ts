import type { CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { recordEvents } from './record-event.ts';
import { upsertCustomer } from './store.ts';
import { writeChanges } from './write-changes.ts';

/** The customer with this email, whatever its case, made if need be. A name fills in one that was not known. */
export async function customerFor(tx: Transaction, scope: Scope, contact: { email: string; name: string | null }, now: Date): Promise<CustomerRow> {
  const { customer, created } = await upsertCustomer(tx, scope, contact, now);
  if (created) await tellContact(tx, customer, 'customer.created', now);
  else if (customer.name === null && contact.name !== null) await changeContact(tx, customer, { name: contact.name }, now);
  return customer;
}

/** Writes what is new about a customer and tells it, in the caller's transaction. Nothing new is not told. */
export async function changeContact(tx: Transaction, customer: CustomerRow, given: Partial<CustomerRow>, now: Date): Promise<void> {
  const { emailSetByVendor, ...shown } = given;
  if (writeChanges(customer, shown, now)) await tellContact(tx, customer, 'customer.updated', now);
  if (emailSetByVendor !== undefined) customer.emailSetByVendor = emailSetByVendor;
}

export async function tellContact(tx: Transaction, customer: CustomerRow, type: 'customer.created' | 'customer.updated', now: Date): Promise<void> {
  await recordEvents(tx, [{ scopeId: customer.scopeId, type, licenseId: null, data: viewContact(customer) }], now);
}

/** A customer as the events show it. */
function viewContact({ id, email, name, metadata, bannedAt, unsubscribedAt, createdAt, updatedAt, deletedAt }: CustomerRow) {
  return { id, email, name, metadata, bannedAt, unsubscribedAt, createdAt, updatedAt, deletedAt };
}
