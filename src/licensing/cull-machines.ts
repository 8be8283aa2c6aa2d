import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Policy } from '../database/catalog-rows.ts';
import { License, Machine, type MachineRow } from '../database/license-rows.ts';
import { inTransaction, query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { nextDue } from '../database/scope-time.ts';
import { fateOf } from './core/machine.ts';
import type { Licensing } from './licensing.ts';
import { type Settled, settleMachines } from './settle-machines.ts';
import { policyOf } from './store.ts';

/** Machines settled in one transaction: their license must not be locked long, and each may have a lot to say of itself. */
const MOST_AT_ONCE = 300;

/**
 * Tells of machines that fell silent and, under DEACTIVATE_DEAD, takes them off. A machine's `due_at` says when to look: never later than the
 * moment it dies, and earlier where a heartbeat came since, which then does not have to touch an index.
 */
export const cullMachines = { name: 'cull-machines', next: (tx: Transaction, scope: Scope) => nextDue(tx, 'machines', scope), batch };

/**
 * Looks at machines that are due, in one transaction. Whoever activates or deactivates locks the license and then the machine, and so does this;
 * what somebody else holds is left for the next time, or waited for, in one order.
 */
async function batch({ database }: Licensing, { scope, waits }: { scope: Scope; waits: boolean }, now: Date): Promise<{ count: number; messageIds: string[] }> {
  return inTransaction(database, async (tx) => {
    const due = await dueMachines(tx, { scope, waits }, now);
    if (due.length === 0) return { count: 0, messageIds: [] };
    await query(tx, sql`select 1 from licenses where id = any(${[...new Set(due.map(({ license_id }) => license_id))]}::uuid[]) order by id for update`);
    const machines = await tx.find(Machine, { id: { $in: due.map(({ id }) => id) }, dueAt: { $lte: now }, deletedAt: null }, {
      orderBy: { id: 'asc' },
      lockMode: waits ? LockMode.PESSIMISTIC_WRITE : LockMode.PESSIMISTIC_PARTIAL_WRITE,
    });
    // Judged by what is known under the locks: a heartbeat may have come, or another rule.
    await settleMachines(tx, await judge(tx, machines, now), now);
    // What another runner did while this one waited for it is done too, and there may be more.
    return { count: waits ? due.length : machines.length, messageIds: [] };
  });
}

async function dueMachines(tx: Transaction, { scope, waits }: { scope: Scope; waits: boolean }, now: Date): Promise<{ id: string; license_id: string }[]> {
  return query(tx, sql<{ id: string; license_id: string }>`
    select m.id, m.license_id from machines m join licenses l on l.id = m.license_id
    where m.scope_id = ${scope.id} and m.due_at <= ${now} and m.deleted_at is null
    order by m.due_at limit ${MOST_AT_ONCE} ${waits ? sql`` : sql`for update of l skip locked`}`);
}

async function judge(tx: Transaction, machines: MachineRow[], now: Date): Promise<Settled[]> {
  const licenses = new Map((await tx.find(License, { id: { $in: [...new Set(machines.map(({ licenseId }) => licenseId))] } })).map((license) => [license.id, license]));
  const policies = new Map((await tx.find(Policy, { id: { $in: [...new Set([...licenses.values()].map(({ policyId }) => policyId))] } })).map((policy) => [policy.id, policy]));
  return machines.flatMap((machine) => {
    const license = licenses.get(machine.licenseId);
    const asked = license && policies.get(license.policyId);
    if (!license || !asked) return [];
    const policy = policyOf(license, asked);
    return [{ machine, policy, fate: fateOf(machine, policy, now) }];
  });
}
