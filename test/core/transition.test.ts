import { describe, expect, test } from '@jest/globals';
import { statuses, type Status } from '../../src/licensing/core/status.ts';
import { type Acted, type Action, transition } from '../../src/licensing/core/transition.ts';

const now = new Date('2026-06-01T00:00:00.000Z');
const days = (n: number) => new Date(now.getTime() + n * 86_400_000);
const license = (change: Partial<Acted> = {}): Acted => ({ status: 'active', expiresAt: days(10), durationDays: 30, ...change });

/** The table of the contract: from where each action may be taken. */
const table: Record<Action, Status[]> = {
  suspend: ['active', 'expired'],
  reinstate: ['suspended', 'expired'],
  revoke: ['active', 'suspended', 'expired'],
  ban: ['active', 'suspended', 'expired'],
  renew: ['active', 'suspended', 'expired'],
  'rotate-key': ['active', 'suspended', 'expired'],
  'reset-usage': ['active', 'suspended', 'expired', 'revoked', 'banned'],
};
const actions = Object.keys(table) as Action[];

describe('an action', () => {
  test.each(actions.flatMap((action) => statuses.map((status) => [action, status] as const)))('%s from %s is allowed as the table says', (action, status) => {
    const taken = transition(action, license({ status }), action === 'reinstate' ? days(1) : undefined, now);
    expect(taken.ok ? 'allowed' : taken.refused).toBe(table[action].includes(status) ? 'allowed' : 'CONFLICT');
  });

  test.each([
    ['suspend', 'suspended'], ['revoke', 'revoked'], ['ban', 'banned'],
  ] as const)('%s makes the vendor’s status %s', (action, vendorStatus) => {
    expect(transition(action, license(), undefined, now)).toEqual({ ok: true, vendorStatus });
  });

  test('reinstate lifts a suspension, with a new end or without', () => {
    expect(transition('reinstate', license({ status: 'suspended' }), undefined, now)).toEqual({ ok: true, vendorStatus: 'active' });
    expect(transition('reinstate', license({ status: 'suspended' }), days(5), now)).toEqual({ ok: true, vendorStatus: 'active', expiresAt: days(5) });
  });

  test.each([[undefined], [now], [days(-1)]])('reinstate of an expired license to %s needs an end in the future', (expiresAt) => {
    expect(transition('reinstate', license({ status: 'expired' }), expiresAt, now)).toMatchObject({ ok: false, refused: 'EXPIRY_REQUIRED' });
  });
});

describe('renew', () => {
  test.each([
    ['the end, while it lies ahead', license({ expiresAt: days(10) }), days(40)],
    ['now, once the end has passed', license({ status: 'expired', expiresAt: days(-10) }), days(30)],
  ])('by the policy counts from %s', (_from, acted, expiresAt) => {
    expect(transition('renew', acted, undefined, now)).toEqual({ ok: true, expiresAt });
  });

  test('to a given end takes it', () => {
    expect(transition('renew', license({ durationDays: null }), days(3), now)).toEqual({ ok: true, expiresAt: days(3) });
  });

  test.each([
    ['without an end to renew', license({ expiresAt: null }), undefined],
    ['without a duration in the policy', license({ durationDays: null }), undefined],
    ['to a moment that has passed', license(), now],
    ['past the year 9999', license({ expiresAt: new Date('9999-12-30T00:00:00Z') }), undefined],
  ])('%s is not possible', (_why, acted, expiresAt) => {
    expect(transition('renew', acted, expiresAt, now)).toMatchObject({ ok: false, refused: 'NOT_RENEWABLE' });
  });
});
