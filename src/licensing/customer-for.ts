import type { CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { recordEvent } from './record-event.ts';
import { upsertCustomer } from './store.ts';

/** The customer with this email, whatever its case, made if need be. A name fills in one that was not known. */
export async function customerFor(tx: Transaction, scope: Scope, contact: { email: string; name: string | null }, now: Date): Promise<CustomerRow> {
  const { customer, created } = await upsertCustomer(tx, scope, contact, now);
  if (customer.name === null && contact.name !== null) Object.assign(customer, { name: contact.name, updatedAt: now });
  if (created) await recordEvent(tx, scope, { type: 'customer.created', licenseId: null, data: viewContact(customer) }, now);
  return customer;
}

/** A customer as the events show it. */
export function viewContact({ id, email, name, metadata, bannedAt, createdAt, updatedAt, deletedAt }: CustomerRow) {
  return { id, email, name, metadata, bannedAt, createdAt, updatedAt, deletedAt };
}
