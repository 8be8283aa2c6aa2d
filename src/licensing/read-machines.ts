import { Policy } from '../database/catalog-rows.ts';
import { License, Machine, type MachineRow } from '../database/license-rows.ts';
import { type Database, inTransaction, reading, type Transaction } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { machineFields } from './core/machine.ts';
import type { z } from 'zod';
import type { ShownMachine } from './machine-view.ts';
import { policyOf } from './store.ts';
import { writeChanges } from './write-changes.ts';

/** One machine of the scope; with `own`, only of that license. */
export async function readMachine(database: Database, { scope, id, own }: { scope: Scope; id: string; own: string | null }): Promise<Result<ShownMachine>> {
  const tx = reading(database);
  const machine = await tx.findOne(Machine, { ...liveRow(scope, id), ...(own !== null && { licenseId: own }) });
  const [shown] = machine ? await withPolicies(tx, [machine]) : [];
  return shown ? ok(shown) : notFound();
}

/** A page of machines. Null: the cursor is of another list. */
export async function listMachines(database: Database, scope: Scope, filter: { licenseId?: string | undefined; fingerprint?: string | undefined }, page: PageRequest): Promise<Page<ShownMachine> | null> {
  const tx = reading(database);
  const equal = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
  const list = {
    at: (id: string) => tx.findOne(Machine, rowOf(scope, id)),
    after: (last: MachineRow | null, limit: number) => tx.find(Machine, { ...liveIn(scope), ...equal, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  const found = await readPage<MachineRow>(list, page);
  return found && { ...found, rows: await withPolicies(tx, found.rows) };
}

/** Changes what a machine is called and what is noted of it. An absent field stays. */
export async function updateMachine(database: Database, { scope, id }: { scope: Scope; id: string }, fields: Partial<z.output<typeof machineFields>>, now: Date): Promise<Result<ShownMachine>> {
  return inTransaction(database, async (tx) => {
    const machine = await tx.findOne(Machine, liveRow(scope, id));
    if (machine === null) return notFound();
    writeChanges(machine, fields, now);
    const [shown] = await withPolicies(tx, [machine]);
    return shown ? ok(shown) : notFound();
  });
}

async function withPolicies(tx: Transaction, machines: MachineRow[]): Promise<ShownMachine[]> {
  const licenses = await tx.find(License, { id: { $in: [...new Set(machines.map(({ licenseId }) => licenseId))] } });
  const policies = await tx.find(Policy, { id: { $in: [...new Set(licenses.map(({ policyId }) => policyId))] } });
  return machines.flatMap((machine) => {
    const license = licenses.find(({ id }) => id === machine.licenseId);
    const policy = policies.find(({ id }) => id === license?.policyId);
    return license && policy ? [{ machine, policy: policyOf(license, policy) }] : [];
  });
}
