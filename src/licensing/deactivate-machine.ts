import { LockMode } from '@mikro-orm/core';
import { License, Machine } from '../database/license-rows.ts';
import { inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, refuse, type Result } from '../errors.ts';
import { takenOff } from './core/machine.ts';
import { letsCustomersTransfer } from './core/policy.ts';
import type { Licensing } from './licensing.ts';
import { settleMachines } from './settle-machines.ts';
import { detailsOf } from './store.ts';

/**
 * Takes a machine off its license. The customer (`own` is their license) may only where the policy allows a transfer or floats, or where the machine is an
 * instance whose fingerprint was minted: its app gives up what it was given. The vendor (`own` null) always.
 */
export async function deactivateMachine({ database }: Licensing, { scope, id, own }: { scope: Scope; id: string; own: string | null }, now: Date): Promise<Result<null>> {
  return inTransaction(database, async (tx) => {
    const seen = await tx.findOne(Machine, liveRow(scope, id));
    if (seen === null || (own !== null && seen.licenseId !== own)) return notFound();
    const license = await tx.findOneOrFail(License, { id: seen.licenseId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const { policy } = await detailsOf(tx, license);
    if (own !== null && !seen.minted && !letsCustomersTransfer(policy)) {
      return refuse('TRANSFER_NOT_ALLOWED', 'The policy does not let customers take machines off their license. Ask the vendor.');
    }
    // The license's lock may have been waited for: somebody else may have taken the machine off.
    const machine = await tx.findOne(Machine, liveRow(scope, id), { refresh: true });
    if (machine === null) return notFound();
    await settleMachines(tx, [{ machine, policy, fate: takenOff(machine) }], now);
    return ok(null);
  });
}
