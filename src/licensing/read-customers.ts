import { Customer, type CustomerRow } from '../database/license-rows.ts';
import { containing, type Database, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { isUuid } from '../database/uuid.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { countLicenses, customerIdsByEmail, stripeIdsOf } from './store.ts';

export type CustomerDetails = CustomerRow & { licensesCount: number; stripeCustomerIds: string[] };

/** `email` in any case; `q` is a part of the email or name, in any case, or a whole id. */
type CustomerFilter = { email?: string | undefined; q?: string | undefined };

/** A page of customers. Null: the cursor is of another list. */
export async function listCustomers(database: Database, scope: Scope, { email, q }: CustomerFilter, page: PageRequest): Promise<Page<CustomerDetails> | null> {
  const tx = reading(database);
  const having = [
    ...(email === undefined ? [] : [{ id: { $in: await customerIdsByEmail(tx, scope, email) } }]),
    ...(q === undefined ? [] : [textMatches(q)]),
  ];
  const where = { ...liveIn(scope), $and: having };
  const list = {
    at: (id: string) => tx.findOne(Customer, rowOf(scope, id)),
    after: (last: CustomerRow | null, limit: number) => tx.find(Customer, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<CustomerRow>(list, page);
  return found && { ...found, rows: await withDetails(tx, found.rows) };
}

export async function readCustomer(database: Database, scope: Scope, id: string): Promise<Result<CustomerDetails>> {
  const tx = reading(database);
  const customer = await tx.findOne(Customer, liveRow(scope, id));
  return customer ? ok(await customerDetails(tx, customer)) : notFound();
}

function textMatches(q: string) {
  const part = { $ilike: containing(q) };
  return { $or: [{ email: part }, { name: part }, ...(isUuid(q) ? [{ id: q }] : [])] };
}

export async function customerDetails(tx: Transaction, customer: CustomerRow): Promise<CustomerDetails> {
  const [details] = await withDetails(tx, [customer]);
  return details ?? { ...customer, licensesCount: 0, stripeCustomerIds: [] };
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
