import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { License } from '../database/license-rows.ts';
import { inTransaction, query } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { takenOff } from './core/machine.ts';
import type { Licensing } from './licensing.ts';
import { settleSeated } from './settle-machines.ts';
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
    const oldest = await query(tx, sql<{ id: string }>`
      select id from machines where license_id = ${license.id} and deleted_at is null order by created_at, id limit ${surplus}`);
    await settleSeated(tx, oldest, { policy, fateOf: takenOff }, now);
    return ok(null);
  });
}
