import type { CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { type NewEvent, recordEvents } from './record-event.ts';
import { upsertCustomers } from './store.ts';
import { writeChanges } from './write-changes.ts';

type Named = { email: string; name: string | null };

/** The customer with this email, whatever its case, made if need be. A name fills in one that was not known. */
export async function customerFor(tx: Transaction, scope: Scope, contact: Named, now: Date): Promise<CustomerRow> {
  const [customer] = await customersFor(tx, scope, [contact], now);
  if (!customer) throw new Error('a customer was neither found nor made');
  return customer;
}

/** As `customerFor`, of many, in their order. */
export async function customersFor(tx: Transaction, scope: Scope, contacts: Named[], now: Date): Promise<CustomerRow[]> {
  const found = await upsertCustomers(tx, scope, contacts, now);
  const made = new Set(found.flatMap(({ customer, created }) => (created ? [customer] : [])));
  await recordEvents(tx, [...made].map((customer) => contactEvent(customer, 'customer.created')), now);
  for (const [n, { customer }] of found.entries()) {
    const name = contacts[n]?.name ?? null;
    if (customer.name === null && name !== null) await changeContact(tx, customer, { name }, now);
  }
  return found.map(({ customer }) => customer);
}

/** Writes what is new about a customer and tells it, in the caller's transaction. Nothing new is not told. */
export async function changeContact(tx: Transaction, customer: CustomerRow, given: Partial<CustomerRow>, now: Date): Promise<void> {
  const { emailSetByVendor, ...shown } = given;
  if (writeChanges(customer, shown, now)) await tellContact(tx, customer, 'customer.updated', now);
  if (emailSetByVendor !== undefined) customer.emailSetByVendor = emailSetByVendor;
}

export async function tellContact(tx: Transaction, customer: CustomerRow, type: 'customer.created' | 'customer.updated', now: Date): Promise<void> {
  await recordEvents(tx, [contactEvent(customer, type)], now);
}

function contactEvent(customer: CustomerRow, type: 'customer.created' | 'customer.updated'): NewEvent {
  return { scopeId: customer.scopeId, type, licenseId: null, data: viewContact(customer) };
}

/** A customer as the events show it. */
function viewContact({ id, email, name, metadata, bannedAt, unsubscribedAt, createdAt, updatedAt, deletedAt }: CustomerRow) {
  return { id, email, name, metadata, bannedAt, unsubscribedAt, createdAt, updatedAt, deletedAt };
}
