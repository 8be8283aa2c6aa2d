import { LockMode } from '@mikro-orm/core';
import { License, Machine } from '../database/license-rows.ts';
import { inTransaction } from '../database/orm.ts';
import { liveIn, liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { takenOff } from './core/machine.ts';
import type { Licensing } from './licensing.ts';
import { settleMachines } from './settle-machines.ts';
import { detailsOf } from './store.ts';

/** Takes the machines that were activated earliest off a license until no more are left than its limit allows. */
export async function trimMachines({ database }: Licensing, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const license = await tx.findOne(License, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (license === null) return notFound();
    const { policy, maxMachines, machineCount } = await detailsOf(tx, license);
    const surplus = maxMachines === null ? 0 : machineCount - maxMachines;
    if (surplus <= 0) return ok(null);
    // Ids are made in the order of time: they decide within one millisecond.
    const oldest = await tx.find(Machine, { ...liveIn(scope), licenseId: license.id }, { orderBy: { createdAt: 'asc', id: 'asc' }, limit: surplus, fields: ['id'] });
    // In the order in which all lock machines.
    const machines = await tx.find(Machine, { id: { $in: oldest.map((machine) => machine.id) } }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    await settleMachines(tx, machines.map((machine) => ({ machine, policy, fate: takenOff(machine) })), now);
    return ok(null);
  });
}
