import { describe, expect, test } from '@jest/globals';
import { activeUntil, effectiveStatus, type Standing } from '../../src/licensing/core/status.ts';

const end = new Date('2026-06-01T00:00:00.000Z');
const before = new Date(end.getTime() - 1);
const hours = (n: number) => new Date(end.getTime() + n * 3_600_000);

function standing(change: Partial<Standing> = {}): Standing {
  return { vendorStatus: 'active', enabled: true, expiresAt: end, billingState: null, billingRenews: false, graceEndsAt: null, customerBanned: false, ...change };
}

describe('the effective status', () => {
  test.each([
    [{ vendorStatus: 'banned', billingState: 'REVOKED' }, 'banned'],
    [{ customerBanned: true, vendorStatus: 'revoked' }, 'banned'],
    [{ vendorStatus: 'revoked', billingState: 'SUSPENDED' }, 'revoked'],
    [{ billingState: 'REVOKED' }, 'revoked'],
    [{ vendorStatus: 'suspended' }, 'suspended'],
    [{ enabled: false }, 'suspended'],
    [{ enabled: false, vendorStatus: 'revoked' }, 'revoked'],
    [{ billingState: 'SUSPENDED' }, 'suspended'],
    [{ billingState: 'ENDED' }, 'expired'],
    [{}, 'expired'],
    [{ expiresAt: null }, 'active'],
  ] as [Partial<Standing>, string][])('of %j past its end is %s', (change, status) => {
    expect(effectiveStatus(standing(change), 24, end)).toBe(status);
  });

  test('is active until the very end and expired at it', () => {
    expect(effectiveStatus(standing(), 24, before)).toBe('active');
    expect(effectiveStatus(standing(), 24, end)).toBe('expired');
  });

  test('of a renewing license runs the slack past its end, and no longer', () => {
    const renewing = standing({ billingState: 'ACTIVE', billingRenews: true });
    expect(effectiveStatus(renewing, 24, new Date(hours(24).getTime() - 1))).toBe('active');
    expect(effectiveStatus(renewing, 24, hours(24))).toBe('expired');
    expect(effectiveStatus(renewing, 0, end)).toBe('expired');
  });

  test('in grace is active past its end until grace ends, then suspended without any job', () => {
    const grace = standing({ billingState: 'GRACE', graceEndsAt: hours(48) });
    expect(effectiveStatus(grace, 24, new Date(hours(48).getTime() - 1))).toBe('active');
    expect(effectiveStatus(grace, 24, hours(48))).toBe('suspended');
  });
});

describe('the moment an active license stops being active', () => {
  test.each([
    ['its expiry', {}, end],
    ['its expiry and the slack, while it renews', { billingState: 'ACTIVE', billingRenews: true }, hours(24)],
    ['the end of grace past its expiry', { billingState: 'GRACE', graceEndsAt: hours(48) }, hours(48)],
    ['the end of grace before its expiry', { billingState: 'GRACE', graceEndsAt: hours(-48) }, hours(-48)],
    ['the end of grace, where it would never expire', { expiresAt: null, billingState: 'GRACE', graceEndsAt: hours(48) }, hours(48)],
    ['its expiry, in grace without an end', { billingState: 'GRACE' }, end],
  ] as [string, Partial<Standing>, Date][])('is %s, to the millisecond', (_title, change, until) => {
    expect(activeUntil(standing(change), 24)).toEqual(until);
    expect(effectiveStatus(standing(change), 24, new Date(until.getTime() - 1))).toBe('active');
    expect(effectiveStatus(standing(change), 24, until)).not.toBe('active');
  });

  test('is never, for a license without an end', () => {
    expect(activeUntil(standing({ expiresAt: null, billingRenews: true }), 24)).toBeNull();
  });
});
