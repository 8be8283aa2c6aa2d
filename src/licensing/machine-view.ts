import type { MachineRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { EventType } from './core/event.ts';
import { heartbeatDueAt, type HeartbeatRule, isDead } from './core/machine.ts';
import { recordEvents } from './record-event.ts';

/** A machine with the policy that says whether it lives. */
export type ShownMachine = { machine: MachineRow; policy: HeartbeatRule };

/** A machine as the API and the events show it. */
export function viewMachine({ machine, policy }: ShownMachine, now: Date) {
  const { id, licenseId, fingerprint, name, platform, hostname, cores, metadata, lastHeartbeatAt, createdAt, updatedAt, deletedAt } = machine;
  return {
    id, licenseId, fingerprint, name, platform, hostname, cores, metadata,
    status: isDead(machine, policy, now) ? 'dead' : 'alive',
    lastHeartbeatAt,
    heartbeatDueAt: heartbeatDueAt(machine, policy),
    createdAt, updatedAt, deletedAt,
  };
}

/** Tells what happened to a machine, in the caller's transaction. */
export async function tellMachine(tx: Transaction, { type, machine, policy }: ShownMachine & { type: EventType }, now: Date): Promise<void> {
  await recordEvents(tx, [{ scopeId: machine.scopeId, type, licenseId: machine.licenseId, data: viewMachine({ machine, policy }, now) }], now);
}

/** Takes a machine off its license, in the caller's transaction. `died`: it sent no heartbeat, which is told first. */
export async function removeMachine(tx: Transaction, { machine, policy, died }: ShownMachine & { died: boolean }, now: Date): Promise<void> {
  if (died) await tellMachine(tx, { type: 'machine.dead', machine, policy }, now);
  Object.assign(machine, { deletedAt: now, updatedAt: now });
  await tx.flush();
  await tellMachine(tx, { type: 'machine.deactivated', machine, policy }, now);
}
