import { LockMode } from '@mikro-orm/core';
import { Customer, type CustomerRow } from '../database/license-rows.ts';
import { type Database, inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Refused, type Result } from '../errors.ts';
import { changeContact } from './customer-for.ts';
import { type CustomerDetails, customerDetails } from './read-customers.ts';

/** What is to be written to a customer, or why it may not be. */
type CustomerChange = { ok: true; given: Partial<CustomerRow> } | Refused;

/** Changes one customer in a transaction: locks the row, writes what `change` gives, tells it, and returns the customer as it is then. */
export async function changeCustomer(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  change: (tx: Transaction, customer: CustomerRow) => CustomerChange | Promise<CustomerChange>,
  now: Date,
): Promise<Result<CustomerDetails>> {
  return inTransaction(database, async (tx) => {
    const customer = await tx.findOne(Customer, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (customer === null) return notFound();
    const changed = await change(tx, customer);
    if (!changed.ok) return changed;
    await changeContact(tx, customer, changed.given, now);
    await tx.flush();
    return ok(await customerDetails(tx, customer));
  });
}
