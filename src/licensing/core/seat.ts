import { type HeartbeatRule, isDead, type Pulse } from './machine.ts';
import type { HeartbeatCullStrategy } from './policy.ts';

/** The highest limit there can be stands for none: how a license is unlimited where its policy has a limit. */
export const NO_LIMIT = 2_147_483_647;

/** The override that gives a license this limit (null: none; undefined: the one it inherits) where it would inherit another; null where it would inherit the same. */
export function overrideFor(limit: number | null | undefined, inherited: number | null): number | null {
  return limit === undefined || limit === inherited ? null : (limit ?? NO_LIMIT);
}

/** A limit as it holds: the highest is none. */
export function limitIn(limit: number | null): number | null {
  return limit === NO_LIMIT ? null : limit;
}

/** A machine as it counts against a limit. */
export type Seated = Pulse & { id: string };

type SeatRule = HeartbeatRule & { heartbeatCullStrategy: HeartbeatCullStrategy; floating: boolean };

/** What one more machine takes: `removed` are the dead ones whose slot is free anyway, `evicted` the one that makes room. */
export type Seat<Machine> = { free: true; removed: Machine[]; evicted: Machine | null } | { free: false; count: number };

/**
 * Room for one more machine. A limit of null is none. Under DEACTIVATE_DEAD a dead machine holds no slot, whether the cull
 * job has come by or not; at the limit a floating policy lets go of the machine activated earliest.
 */
export function findSeat<Machine extends Seated>(machines: Machine[], { limit, policy }: { limit: number | null; policy: SeatRule }, now: Date): Seat<Machine> {
  const removed = machines.filter((machine) => policy.heartbeatCullStrategy === 'DEACTIVATE_DEAD' && isDead(machine, policy, now));
  const seated = machines.filter((machine) => !removed.includes(machine));
  if (limit === null || seated.length < limit) return { free: true, removed, evicted: null };
  const evicted = policy.floating ? seated.toSorted(byActivation)[0] : undefined;
  return evicted ? { free: true, removed, evicted } : { free: false, count: seated.length };
}

/** Ids are made in the order of time: they decide within one millisecond. */
function byActivation(a: Seated, b: Seated): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1);
}
