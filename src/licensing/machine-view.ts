import type { MachineRow } from '../database/license-rows.ts';
import type { EventType } from './core/event.ts';
import { heartbeatDueAt, type HeartbeatRule, isDead } from './core/machine.ts';
import type { NewEvent } from './record-event.ts';

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

/** When something was heard of a machine last: a heartbeat, or its activation. */
export function heardOf({ lastHeartbeatAt, createdAt }: MachineRow): Date {
  return lastHeartbeatAt ?? createdAt;
}

/** An event of a machine, which shows it as it then is. */
export function machineEvent(type: EventType, { machine, policy }: ShownMachine, now: Date): NewEvent {
  return { scopeId: machine.scopeId, type, licenseId: machine.licenseId, data: viewMachine({ machine, policy }, now) };
}
