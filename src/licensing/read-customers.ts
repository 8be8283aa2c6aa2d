import { Customer, type CustomerRow } from '../database/license-rows.ts';
import { type Database, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses, customerIdsByEmail, stripeIdsOf } from './store.ts';

export type CustomerDetails = CustomerRow & { licensesCount: number; stripeCustomerIds: string[] };

/** A page of customers; `email` in any case. Null: the cursor is of another list. */
export async function listCustomers(database: Database, scope: Scope, filter: { email?: string | undefined }, page: PageRequest): Promise<Page<CustomerDetails> | null> {
  const tx = reading(database);
  const where = { ...liveIn(scope), ...(filter.email !== undefined && { $and: [{ id: { $in: await customerIdsByEmail(tx, scope, filter.email) } }] }) };
  const list = {
    at: (id: string) => tx.findOne(Customer, liveRow(scope, id)),
    after: (last: CustomerRow | null, limit: number) => tx.find(Customer, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<CustomerRow>(list, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

export async function readCustomer(database: Database, scope: Scope, id: string): Promise<Result<CustomerDetails>> {
  const tx = reading(database);
  const customer = await tx.findOne(Customer, liveRow(scope, id));
  const [details] = customer ? await withDetails(tx, [customer]) : [];
  return details ? ok(details) : notFound();
}

async function withDetails(tx: Transaction, customers: CustomerRow[]): Promise<CustomerDetails[]> {
  const ids = customers.map(({ id }) => id);
  const [counts, stripeIds] = [await countLicenses(tx, 'customer_id', ids), await stripeIdsOf(tx, ids)];
  return customers.map((customer) => ({
    ...customer,
    licensesCount: counts.get(customer.id) ?? 0,
    stripeCustomerIds: stripeIds.get(customer.id) ?? [],
  }));
}
