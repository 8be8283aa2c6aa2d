import { describe, expect, test } from '@jest/globals';
import { completePolicy, expiryOf, policyRequest } from '../../src/licensing/core/policy.ts';

const productId = '01a1fc5f-156a-700f-9e5a-c932c4081e34';
const minimal = { productId, name: 'Pro' };

describe('a policy', () => {
  test('of a name alone has the defaults of the seed', () => {
    expect(completePolicy(policyRequest.parse(minimal))).toEqual({
      name: 'Pro', template: null, maxMachines: null, maxUses: null, floating: false, durationDays: null,
      expirationStrategy: 'RESTRICT_ACCESS', requireHeartbeat: false, heartbeatIntervalMinutes: 60,
      heartbeatCullStrategy: 'DEACTIVATE_DEAD', requireFingerprint: true, fingerprintUniqueness: 'PER_LICENSE',
      offlineAllowed: true, offlineMaxDays: 14, allowMachineTransfer: false, isTrial: false, trialDurationDays: null,
      overridable: true, maxUniqueFingerprints: null, metadata: {},
    });
  });

  test.each([
    ['desktop_app', { maxMachines: 3, durationDays: null, offlineAllowed: true }],
    ['cli_tool', { maxMachines: 5, floating: true, offlineAllowed: true }],
    ['saas', { requireFingerprint: false, offlineAllowed: false }],
    ['trial', { isTrial: true, trialDurationDays: 14, maxMachines: 1, offlineAllowed: false, maxUses: null }],
    ['custom', {}],
  ])('of the template %s is pre-filled with %j', (template, fields) => {
    expect(completePolicy(policyRequest.parse({ ...minimal, template }))).toMatchObject({ template, ...fields });
  });

  test('keeps what the request says over what its template says', () => {
    const policy = completePolicy(policyRequest.parse({ ...minimal, template: 'desktop_app', maxMachines: null, offlineAllowed: false }));
    expect(policy).toMatchObject({ maxMachines: null, offlineAllowed: false });
  });

  test.each([
    ['name', ''], ['name', 'x'.repeat(256)], ['template', 'mobile'], ['maxMachines', 0], ['maxMachines', 1.5], ['maxUses', -1],
    ['maxUses', 2 ** 31], ['floating', 'yes'], ['durationDays', 0], ['expirationStrategy', 'DELETE'], ['requireHeartbeat', 1],
    ['heartbeatIntervalMinutes', 0], ['heartbeatCullStrategy', 'KILL'], ['fingerprintUniqueness', 'GLOBAL'], ['offlineMaxDays', 0],
    ['trialDurationDays', 0], ['maxUniqueFingerprints', 0], ['metadata', []], ['productId', 'acme'], ['maxActivations', 3],
  ])('refuses %s = %j', (field, value) => {
    const read = policyRequest.safeParse({ ...minimal, [field]: value });
    expect(read.success).toBe(false);
    expect(JSON.stringify(read.error?.issues)).toContain(field);
  });
});

describe('the expiry of a new license', () => {
  const createdAt = new Date('2026-01-01T00:00:00Z');
  test.each([
    [{ isTrial: false, trialDurationDays: null, durationDays: null }, null],
    [{ isTrial: false, trialDurationDays: 14, durationDays: 365 }, '2027-01-01T00:00:00.000Z'],
    [{ isTrial: true, trialDurationDays: 14, durationDays: 365 }, '2026-01-15T00:00:00.000Z'],
    [{ isTrial: true, trialDurationDays: null, durationDays: 365 }, '2027-01-01T00:00:00.000Z'],
  ])('under %j is %s', (policy, expected) => {
    expect(expiryOf(policy, createdAt)?.toISOString() ?? null).toBe(expected);
  });
});
