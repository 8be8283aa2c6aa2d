import { z } from 'zod';
import { metadataUpTo } from './metadata.ts';
import type { HeartbeatCullStrategy, PolicyFields } from './policy.ts';

const platforms = ['macos', 'windows', 'linux', 'docker', 'kubernetes'] as const;

export type Platform = (typeof platforms)[number];

export const fingerprint = z.string().min(8).max(256);

/** What a machine says of itself. */
export const machineFields = z.strictObject({
  name: z.string().min(1).max(255).nullable(),
  platform: z.enum(platforms).nullable(),
  hostname: z.string().min(1).max(255).nullable(),
  cores: z.int().min(1).max(1_000_000).nullable(),
  metadata: metadataUpTo(16_384),
});

const MINUTE_MS = 60_000;

/** When a machine was last heard of. */
export type Pulse = { createdAt: Date; lastHeartbeatAt: Date | null };

/** What its policy asks. `heartbeatRequiredSince` is when the policy began to require heartbeats, null while it does not. */
export type HeartbeatRule = Pick<PolicyFields, 'requireHeartbeat' | 'heartbeatIntervalMinutes'> & { heartbeatRequiredSince: Date | null };

/** When the next heartbeat is due; null when none is required. */
export function heartbeatDueAt(machine: Pulse, rule: HeartbeatRule): Date | null {
  return rule.requireHeartbeat ? after(machine, rule, 1) : null;
}

/** Dead is a machine of which nothing was heard for more than twice the interval; exactly twice is still alive. */
export function isDead(machine: Pulse, rule: HeartbeatRule, now: Date): boolean {
  return rule.requireHeartbeat && now > after(machine, rule, 2);
}

/** The first moment at which the machine is dead, should nothing more be heard of it; null when no heartbeat is required. */
export function diesAt(machine: Pulse, rule: HeartbeatRule): Date | null {
  return rule.requireHeartbeat ? new Date(after(machine, rule, 2).getTime() + 1) : null;
}

export type CullRule = HeartbeatRule & { heartbeatCullStrategy: HeartbeatCullStrategy };

/** What becomes of a machine that is looked at: what is told of it, whether it goes, and when to look again (`dueAt`). */
export type Fate = { tells: ('machine.dead' | 'machine.deactivated')[]; removed: boolean; diedAt: Date | null; dueAt: Date | null };

/** A death is told once (`diedAt`: it was). A rule that changed may have brought a machine back to life. */
export function fateOf(machine: Pulse & { diedAt: Date | null }, rule: CullRule, now: Date): Fate {
  if (!isDead(machine, rule, now)) return { tells: [], removed: false, diedAt: null, dueAt: diesAt(machine, rule) };
  const removed = rule.heartbeatCullStrategy === 'DEACTIVATE_DEAD';
  return { tells: [...(machine.diedAt ? [] : ['machine.dead' as const]), ...(removed ? ['machine.deactivated' as const] : [])], removed, diedAt: machine.diedAt ?? now, dueAt: null };
}

/** What becomes of a machine that somebody takes off. */
export function takenOff({ diedAt }: { diedAt: Date | null }): Fate {
  return { tells: ['machine.deactivated'], removed: true, diedAt, dueAt: null };
}

/** Counted from the last heartbeat, the activation, or the day the policy began to ask: whichever is latest. */
function after(machine: Pulse, rule: HeartbeatRule, intervals: number): Date {
  const moments = [machine.createdAt, machine.lastHeartbeatAt, rule.heartbeatRequiredSince].flatMap((moment) => moment?.getTime() ?? []);
  return new Date(Math.max(...moments) + intervals * rule.heartbeatIntervalMinutes * MINUTE_MS);
}
