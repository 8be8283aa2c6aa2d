import { sql } from 'kysely';
import { License, Machine, type MachineRow } from '../database/license-rows.ts';
import { type Database, query, reading } from '../database/orm.ts';
import { newestFirst } from '../database/page.ts';
import { liveIn, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { detailsOf, type LicenseDetails, withDetails } from './store.ts';

/**
 * Whole numbers beside the UUIDs, for interfaces whose ids are integers. Each is stable for good and unique among its kind. What was bought together is an
 * order: it has the number of its first license, and so has a subscription; null where the license was not bought so.
 */
type Numbers = { license: number; product: number; policy: number; customer: number | null; order: number | null; subscription: number | null };

export type NumberedLicense = LicenseDetails & { numbers: Numbers };

/** One license of the scope, by its number: a whole one, however large. */
export async function readLicenseByNumber(database: Database, scope: Scope, number: number): Promise<Result<NumberedLicense>> {
  const tx = reading(database);
  const [found] = await query(tx, sql<{ id: string }>`select id from licenses where scope_id = ${scope.id} and number = ${number}::bigint and deleted_at is null`);
  if (!found) return notFound();
  return ok(await numberedOf(database, await detailsOf(tx, await tx.findOneOrFail(License, { id: found.id }))));
}

/** One page of the scope's licenses, newest first, counted from 1, and how many licenses there are in all. */
export async function listNumberedLicenses(database: Database, scope: Scope, { page, limit }: { page: number; limit: number }): Promise<{ rows: NumberedLicense[]; total: number }> {
  const tx = reading(database);
  const [rows, total] = await tx.findAndCount(License, liveIn(scope), { orderBy: newestFirst, limit, offset: (page - 1) * limit });
  return { rows: await numbered(database, await withDetails(tx, rows)), total };
}

export type NumberedMachine = { machine: MachineRow; licenseNumber: number };

/** One page of the machines of the scope, or of one license of it, newest first, counted from 1, and how many there are in all. */
export async function listNumberedMachines(database: Database, scope: Scope, { licenseId, page, limit }: { licenseId?: string | undefined; page: number; limit: number }): Promise<{ rows: NumberedMachine[]; total: number }> {
  const tx = reading(database);
  const wanted = { ...liveIn(scope), ...(licenseId !== undefined && { licenseId }) };
  const [machines, total] = await tx.findAndCount(Machine, wanted, { orderBy: newestFirst, limit, offset: (page - 1) * limit });
  const licenses = await query(tx, sql<{ id: string; number: number }>`select id, number from licenses where id = any(${machines.map((machine) => machine.licenseId)}::uuid[])`);
  const numbers = new Map(licenses.map(({ id, number }) => [id, number]));
  return { rows: machines.map((machine) => ({ machine, licenseNumber: numbers.get(machine.licenseId) ?? 0 })), total };
}

/** As `numbered`, of one. */
export async function numberedOf(database: Database, license: LicenseDetails): Promise<NumberedLicense> {
  const [found] = await numbered(database, [license]);
  if (!found) throw new Error(`license ${license.id} has no number`);
  return found;
}

/** These licenses with the numbers of all that they name. */
async function numbered(database: Database, licenses: LicenseDetails[]): Promise<NumberedLicense[]> {
  const found = await query(reading(database), sql<Numbers & { id: string }>`
    with asked as (select * from licenses where id = any(${licenses.map(({ id }) => id)}::uuid[])),
    orders as (
      select l.scope_id, l.stripe_purchase_id, min(l.number) as number from licenses l
      where (l.scope_id, l.stripe_purchase_id) in (select scope_id, stripe_purchase_id from asked) group by 1, 2
    ),
    subscriptions as (
      select l.scope_id, l.stripe_subscription_id, min(l.number) as number from licenses l
      where (l.scope_id, l.stripe_subscription_id) in (select scope_id, stripe_subscription_id from asked) group by 1, 2
    )
    select a.id, a.number as license, p.number as product, o.number as policy, c.number as customer, orders.number as "order", subscriptions.number as subscription
    from asked a join products p on p.id = a.product_id join policies o on o.id = a.policy_id left join customers c on c.id = a.customer_id
    left join orders on (orders.scope_id, orders.stripe_purchase_id) = (a.scope_id, a.stripe_purchase_id)
    left join subscriptions on (subscriptions.scope_id, subscriptions.stripe_subscription_id) = (a.scope_id, a.stripe_subscription_id)`);
  const numbers = new Map(found.map(({ id, ...rest }) => [id, rest]));
  return licenses.flatMap((license) => {
    const own = numbers.get(license.id);
    return own ? [{ ...license, numbers: own }] : [];
  });
}
