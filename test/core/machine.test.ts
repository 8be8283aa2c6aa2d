import { describe, expect, test } from '@jest/globals';
import { heartbeatDueAt, type HeartbeatRule, isDead, type Pulse } from '../../src/licensing/core/machine.ts';
import { findSeat } from '../../src/licensing/core/seat.ts';

const at = (minute: number, ms = 0) => new Date(Date.UTC(2026, 5, 1, 0, minute, 0, ms));
const pulse = (createdAt: number, lastHeartbeatAt: number | null = null): Pulse => ({ createdAt: at(createdAt), lastHeartbeatAt: lastHeartbeatAt === null ? null : at(lastHeartbeatAt) });
const rule: HeartbeatRule = { requireHeartbeat: true, heartbeatIntervalMinutes: 10, heartbeatRequiredSince: at(0) };

describe('a machine', () => {
  test.each([
    ['its last heartbeat', pulse(0, 30), rule, 30],
    ['its activation, before the first', pulse(5), rule, 5],
    ['the day the policy began to ask, where that is later', pulse(5), { ...rule, heartbeatRequiredSince: at(40) }, 40],
    ['the day the policy began to ask, where a heartbeat is older', pulse(5, 20), { ...rule, heartbeatRequiredSince: at(40) }, 40],
  ])('is dead after more than twice the interval since %s', (_since, machine, heartbeatRule, since) => {
    expect(isDead(machine, heartbeatRule, at(since + 20))).toBe(false);
    expect(isDead(machine, heartbeatRule, at(since + 20, 1))).toBe(true);
    expect(heartbeatDueAt(machine, heartbeatRule)).toEqual(at(since + 10));
  });

  test('of a policy that asks for no heartbeat never dies', () => {
    const silent = { ...rule, requireHeartbeat: false };
    expect(isDead(pulse(0), silent, at(99_999))).toBe(false);
    expect(heartbeatDueAt(pulse(0), silent)).toBeNull();
  });
});

describe('a seat', () => {
  const machine = (id: string, createdAt: number, lastHeartbeatAt: number | null = null) => ({ id, ...pulse(createdAt, lastHeartbeatAt) });
  const policy = { ...rule, heartbeatCullStrategy: 'DEACTIVATE_DEAD' as const, floating: false };
  const [old, young] = [machine('a', 1, 100), machine('b', 2, 100)];
  const now = at(105);

  test('is free below the limit, and always without one', () => {
    expect(findSeat([old], { limit: 2, policy }, now)).toEqual({ free: true, removed: [], evicted: null });
    expect(findSeat([old, young], { limit: null, policy }, now)).toEqual({ free: true, removed: [], evicted: null });
  });

  test('is refused at the limit, and beyond a lowered one', () => {
    expect(findSeat([old, young], { limit: 2, policy }, now)).toEqual({ free: false, count: 2 });
    expect(findSeat([old, young], { limit: 1, policy }, now)).toEqual({ free: false, count: 2 });
  });

  test('of a floating policy is the earliest activated one’s, by id within a millisecond', () => {
    const floating = { ...policy, floating: true };
    expect(findSeat([young, old], { limit: 2, policy: floating }, now)).toEqual({ free: true, removed: [], evicted: old });
    expect(findSeat([machine('z', 1), machine('y', 1)], { limit: 2, policy: { ...floating, requireHeartbeat: false } }, now)).toMatchObject({ evicted: { id: 'y' } });
  });

  test('of a dead machine is free under DEACTIVATE_DEAD and kept under KEEP_DEAD', () => {
    const dead = machine('c', 3, 50);
    expect(findSeat([old, dead], { limit: 2, policy }, now)).toEqual({ free: true, removed: [dead], evicted: null });
    expect(findSeat([old, dead], { limit: 2, policy: { ...policy, heartbeatCullStrategy: 'KEEP_DEAD' } }, now)).toEqual({ free: false, count: 2 });
  });
});
