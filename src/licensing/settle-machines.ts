import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Machine, type MachineRow } from '../database/license-rows.ts';
import { query, type Transaction } from '../database/orm.ts';
import type { CullRule, Fate } from './core/machine.ts';
import { machineEvent } from './machine-view.ts';
import { recordEvents } from './record-event.ts';

/** A machine, the policy that binds it, and what becomes of it. */
export type Settled = { machine: MachineRow; policy: CullRule; fate: Fate };

/**
 * Writes what becomes of machines, and tells it, in the caller's transaction: however many, in a few statements. The caller has locked the
 * license and then the machines.
 */
export async function settleMachines(tx: Transaction, settled: Settled[], now: Date): Promise<void> {
  if (settled.length === 0) return;
  const iso = (moment: Date | null) => moment?.toISOString() ?? null;
  await query(tx, sql`
    update machines m set due_at = s.due_at, died_at = s.died_at,
      deleted_at = case when s.removed then ${now}::timestamptz end, updated_at = case when s.removed then ${now}::timestamptz else m.updated_at end
    from unnest(${settled.map(({ machine }) => machine.id)}::uuid[], ${settled.map(({ fate }) => iso(fate.dueAt))}::timestamptz[],
      ${settled.map(({ fate }) => iso(fate.diedAt))}::timestamptz[], ${settled.map(({ fate }) => fate.removed)}::boolean[]) as s (id, due_at, died_at, removed)
    where m.id = s.id`);
  await recordEvents(tx, settled.flatMap(({ machine, policy, fate }) => fate.tells.map((type) => {
    const gone = type === 'machine.deactivated' ? { ...machine, deletedAt: now, updatedAt: now } : machine;
    return machineEvent(type, { machine: gone, policy }, now);
  })), now);
}

/** Machines that go in one statement. */
const MOST_AT_ONCE = 300;

/** Settles machines of a license that the caller holds, each by its fate as it is then, locked in the order in which all lock machines. */
export async function settleSeated(tx: Transaction, seated: { id: string }[], { policy, fateOf }: { policy: CullRule; fateOf: (machine: MachineRow) => Fate }, now: Date): Promise<void> {
  for (let n = 0; n < seated.length; n += MOST_AT_ONCE) {
    const ids = seated.slice(n, n + MOST_AT_ONCE).map(({ id }) => id);
    const machines = await tx.find(Machine, { id: { $in: ids } }, { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE });
    await settleMachines(tx, machines.map((machine) => ({ machine, policy, fate: fateOf(machine) })), now);
  }
}
