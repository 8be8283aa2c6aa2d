import { sql } from 'kysely';
import { Entitlement } from '../database/catalog-rows.ts';
import { Machine, type MachineRow } from '../database/license-rows.ts';
import { query, reading, type Transaction } from '../database/orm.ts';
import { newestFirst } from '../database/page.ts';
import type { Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import { letsCustomersTransfer } from './core/policy.ts';
import { effectiveStatus, type Status } from './core/status.ts';
import type { Licensing } from './licensing.ts';
import { readAccount, type Vendor, vendorOf } from './read-account.ts';
import { readCustomer } from './read-customers.ts';
import { type LicenseDetails, listLicenses } from './read-licenses.ts';

export type PortalMachine = Pick<MachineRow, 'id' | 'name' | 'fingerprint' | 'platform' | 'createdAt' | 'lastHeartbeatAt'>;

/** A license as its customer sees it. `machines` are the newest of `machineCount`. */
export type PortalLicense = Pick<LicenseDetails, 'name' | 'expiresAt' | 'billingState' | 'billingRenews' | 'graceEndsAt' | 'maxMachines' | 'machineCount' | 'productName'> & {
  key: string;
  status: Status;
  entitlements: string[];
  letsTransfer: boolean;
  machines: PortalMachine[];
};

/** What a customer owns. `complete`: these are all of their licenses, and not only the newest. */
export type Portal = { vendor: Vendor; email: string; name: string | null; licenses: PortalLicense[]; complete: boolean };

const MOST_LICENSES = 200;
const MOST_MACHINES = 50;

/** All that a customer's own page shows, read in a few questions however many licenses there are. */
export async function readPortal(licensing: Licensing, { scope, customerId }: { scope: Scope; customerId: string }, now: Date): Promise<Result<Portal>> {
  const { database, keys, slackHours } = licensing;
  const customer = await readCustomer(database, scope, customerId);
  if (!customer.ok) return customer;
  const page = await listLicenses(licensing, scope, { filter: { customerId }, page: { limit: MOST_LICENSES } }, now);
  const rows = page?.rows ?? [];
  const names = await namesOf(reading(database), scope, rows);
  const machines = await newestMachines(reading(database), scope, rows);
  const licenses = rows.map((license) => ({
    ...license,
    key: keys.decrypt(license.keyEncrypted),
    status: effectiveStatus(license, slackHours, now),
    entitlements: license.entitlements.map((code) => names.get(code) ?? code),
    letsTransfer: letsCustomersTransfer(license.policy),
    machines: machines.get(license.id) ?? [],
  }));
  const { email, name } = customer.value;
  const vendor = vendorOf(await readAccount(database, scope));
  return ok({ vendor, email, name, licenses, complete: page?.nextCursor === null });
}

/** What entitlements are called, by their codes. */
async function namesOf(tx: Transaction, scope: Scope, licenses: LicenseDetails[]): Promise<Map<string, string>> {
  const codes = [...new Set(licenses.flatMap(({ entitlements }) => entitlements))];
  const entitlements = await tx.find(Entitlement, { scopeId: scope.id, deletedAt: null, code: { $in: codes } });
  return new Map(entitlements.map(({ code, name }) => [code, name]));
}

/** The machines of each license, newest first, as many as a page can hold of one. */
async function newestMachines(tx: Transaction, scope: Scope, licenses: LicenseDetails[]): Promise<Map<string, MachineRow[]>> {
  const newest = await query(tx, sql<{ id: string }>`
    select m.id from unnest(${licenses.map(({ id }) => id)}::uuid[]) l(id) cross join lateral (
      select id from machines where scope_id = ${scope.id} and license_id = l.id and deleted_at is null order by id desc limit ${MOST_MACHINES}
    ) m`);
  const found = await tx.find(Machine, { id: { $in: newest.map(({ id }) => id) } }, { orderBy: newestFirst });
  return Map.groupBy(found, ({ licenseId }) => licenseId);
}
