import { Customer, type CustomerRow } from '../database/license-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import { type Page, type PageRequest, readPage } from '../database/page.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses, customerIdsByEmail, findLive, stripeIdsOf } from './store.ts';

export type CustomerDetails = CustomerRow & { licensesCount: number; stripeCustomerIds: string[] };

/** A page of customers; `email` in any case. Null: the cursor is of another list. */
export async function listCustomers(database: Database, scope: Scope, filter: { email?: string | undefined }, page: PageRequest): Promise<Page<CustomerDetails> | null> {
  const tx = database.em.fork();
  const byEmail = filter.email === undefined ? {} : { id: { $in: await customerIdsByEmail(tx, scope, filter.email) } };
  const found = await readPage(tx, Customer, { scopeId: scope.id, deletedAt: null, ...byEmail }, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

export async function readCustomer(database: Database, scope: Scope, id: string): Promise<Result<CustomerDetails>> {
  const tx = database.em.fork();
  const customer = await findLive(tx, Customer, scope, id);
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
