import { describe, expect, test } from '@jest/globals';
import { lapse, type Lapse } from '../../src/licensing/core/lifecycle.ts';

type Lived = Parameters<typeof lapse>[0];

const rules = { slackHours: 24, expiringSoonDays: [30, 7, 1], trialEndingDays: 3 };
const day = (n: number, hours = 0) => new Date(Date.UTC(2027, 0, 1 + n, hours));

const byHand: Lived = {
  vendorStatus: 'active', enabled: true, expiresAt: day(100), billingState: null, billingReason: null, billingRenews: false, graceEndsAt: null, customerBanned: false,
  paidThrough: null, cancelsAt: null, policy: { expirationStrategy: 'RESTRICT_ACCESS' }, toldStatus: 'active', toldGrace: false, remindedEnd: null, remindedDays: null,
};
const subscribed: Lived = { ...byHand, billingState: 'ACTIVE', billingRenews: true, paidThrough: day(30), expiresAt: day(30) };
const revoking = { expirationStrategy: 'REVOKE' } as const;

/** Lets days pass, a look at each, as the job does; what happened, by day. */
function live(license: Lived, days: number[]): { told: string[]; last: Lapse; license: Lived } {
  let now: Lived = license;
  let last: Lapse | undefined;
  const told = days.flatMap((n) => {
    last = lapse(now, rules, day(n));
    now = { ...now, ...last.told, ...last.consequence };
    return last.happened.map(({ type, status, ...more }) => `${n} ${type} ${status}${'days' in more ? ` ${more.days}` : ''}`);
  });
  if (!last) throw new Error('no day was lived');
  return { told, last, license: now };
}

describe('the end of a license', () => {
  test('is told once, and at the moment it came, however late the look', () => {
    const { told, last } = live(byHand, [103, 104]);
    expect(told).toEqual(['103 license.expired expired']);
    expect(lapse(byHand, rules, day(103)).happened).toEqual([{ type: 'license.expired', at: day(100), status: 'expired' }]);
    expect(last.dueAt).toBeNull();
  });

  test('of a renewing one comes a day of slack later', () => {
    expect(live(subscribed, [30]).last.dueAt).toEqual(day(31));
    expect(live(subscribed, [30, 31]).told).toEqual(['31 license.expired expired']);
  });

  test('revokes for good under REVOKE, after it is told as an end', () => {
    const { told, license } = live({ ...byHand, policy: revoking }, [99, 100, 101]);
    expect(told).toEqual(['100 license.expired expired', '100 license.revoked revoked']);
    expect(license.vendorStatus).toBe('revoked');
  });

  test.each<[string, Partial<Lived>, object]>([
    ['a subscription that ended', { billingState: 'ENDED', billingReason: 'CANCELED', billingRenews: false, expiresAt: day(20) }, { billingState: 'REVOKED', billingRenews: false }],
    ['a subscription whose cancellation was scheduled for then', { billingRenews: false, cancelsAt: day(30) }, { billingState: 'REVOKED', billingRenews: false }],
    ['a subscription that goes on, of whose renewal nothing was heard', {}, {}],
  ])('under REVOKE, of %s: what is stored', (_title, bought, consequence) => {
    expect(lapse({ ...subscribed, ...bought, policy: revoking }, rules, day(60)).consequence).toEqual(consequence);
  });

  test('that billing revoked is told as an end as well; money that came back is not one', () => {
    const revoked: Lived = { ...subscribed, billingState: 'REVOKED', billingReason: 'CANCELED', billingRenews: false, expiresAt: day(20) };
    expect(live(revoked, [21, 22]).told).toEqual(['21 license.expired expired', '21 license.revoked revoked']);
    expect(live({ ...revoked, billingReason: 'REFUNDED' }, [21]).told).toEqual(['21 license.revoked revoked']);
  });

  test('of one that the vendor suspended is not told, and that of a banned customer is', () => {
    expect(live({ ...byHand, vendorStatus: 'suspended', toldStatus: 'suspended' }, [101]).told).toEqual([]);
    expect(live({ ...byHand, customerBanned: true }, [101]).told).toEqual(['101 license.expired expired']);
  });
});

describe('grace', () => {
  const inGrace: Lived = { ...subscribed, billingState: 'GRACE', billingReason: 'PAYMENT_FAILED', billingRenews: false, graceEndsAt: day(37) };

  test('is told when it starts and when it runs out, which suspends', () => {
    const { told, license, last } = live(inGrace, [30, 31, 37, 38]);
    expect(told).toEqual(['30 license.grace_started active', '37 license.grace_ended suspended', '37 license.suspended suspended']);
    expect(license.billingState).toBe('SUSPENDED');
    expect(last.dueAt).toBeNull();
    expect(live(inGrace, [30]).last.dueAt).toEqual(day(37));
  });

  test('that ends with a payment reinstates nothing, since nothing was suspended', () => {
    const { license } = live(inGrace, [30]);
    expect(live({ ...license, billingState: 'ACTIVE', billingReason: null, billingRenews: true, graceEndsAt: null, paidThrough: day(60), expiresAt: day(60) }, [33]).told).toEqual(['33 license.grace_ended active']);
  });

  test('runs on while the vendor suspends: nothing is suspended for good before it has run out, and both its ends are told', () => {
    const held: Lived = { ...inGrace, vendorStatus: 'suspended', toldStatus: 'suspended' };
    expect(live(held, [30, 31]).license).toMatchObject({ billingState: 'GRACE', toldGrace: true });
    expect(live(held, [30, 31]).last.dueAt).toEqual(day(37));
    expect(live(held, [30, 31, 37, 38]).told).toEqual(['30 license.grace_started suspended', '37 license.grace_ended suspended']);
    expect(live(held, [30, 37]).license.billingState).toBe('SUSPENDED');
  });

  test('that is over when it is first heard of is a suspension alone', () => {
    expect(live({ ...inGrace, billingState: 'SUSPENDED' }, [40]).told).toEqual(['40 license.suspended suspended']);
  });

  test('a payment after a suspension reinstates', () => {
    const { license } = live(inGrace, [30, 37]);
    expect(live({ ...license, billingState: 'ACTIVE', billingReason: null, billingRenews: true, graceEndsAt: null, paidThrough: day(60), expiresAt: day(60) }, [40]).told).toEqual(['40 license.reinstated active']);
  });
});

describe('reminders', () => {
  test('of a license that does not renew come 30, 7 and 1 days before its end, once each', () => {
    expect(live(byHand, [0, 69, 70, 71, 93, 98, 99]).told).toEqual(['70 license.expiring_soon active 30', '93 license.expiring_soon active 7', '99 license.expiring_soon active 1']);
  });

  test.each([[0, day(70)], [70, day(93)], [95, day(99)], [99, day(100)]])('after day %i the next look is due when the next one is, then at the end', (n, dueAt) => {
    expect(live(byHand, [0, n]).last.dueAt).toEqual(dueAt);
  });

  test('after a standstill only the nearest is told, and none once the end has passed', () => {
    expect(live(byHand, [0, 95]).told).toEqual(['95 license.expiring_soon active 7']);
    expect(live(byHand, [0, 100]).told).toEqual(['100 license.expired expired']);
  });

  test('whose time had passed when the license was made are not told', () => {
    expect(live({ ...byHand, expiresAt: day(14) }, [0, 7]).told).toEqual(['7 license.expiring_soon active 7']);
  });

  test('begin anew with another end', () => {
    const { license } = live(byHand, [0, 93]);
    expect(live({ ...license, expiresAt: day(200) }, [94, 170, 193]).told).toEqual(['170 license.expiring_soon active 30', '193 license.expiring_soon active 7']);
  });

  test('of a subscription come only when its end is scheduled', () => {
    expect(live(subscribed, [0, 29]).told).toEqual([]);
    expect(live({ ...subscribed, billingRenews: false, cancelsAt: day(30) }, [10, 23, 29]).told).toEqual(['23 license.expiring_soon active 7', '29 license.expiring_soon active 1']);
  });

  test('of a suspended license do not come', () => {
    expect(live({ ...byHand, vendorStatus: 'suspended', toldStatus: 'suspended' }, [0, 93]).told).toEqual([]);
  });
});

describe('a trial that will be charged for', () => {
  const onTrial: Lived = { ...subscribed, billingReason: 'TRIAL' };

  test('is spoken of three days before, once, also where Stripe announces it as well', () => {
    expect(live(onTrial, [0, 26, 27, 28]).told).toEqual(['27 trial_ending active 3']);
    const { license } = live(onTrial, [0, 27]);
    expect(lapse({ ...license, trialEnding: true }, rules, day(27)).happened).toEqual([]);
  });

  test('is spoken of when Stripe announces its end, if that is earlier', () => {
    expect(lapse({ ...onTrial, trialEnding: true }, rules, day(20)).happened).toEqual([{ type: 'trial_ending', at: day(20), status: 'active', days: 3, end: day(30) }]);
  });

  test('is not spoken of again after a pause', () => {
    const { license } = live(onTrial, [27]);
    const paused = live({ ...license, billingState: 'SUSPENDED', billingReason: 'PAUSED', billingRenews: false }, [28]).license;
    expect(live({ ...paused, billingState: 'ACTIVE', billingReason: 'TRIAL', billingRenews: true }, [29]).told).toEqual(['29 license.reinstated active']);
  });

  test('of two days is spoken of at once', () => {
    expect(live({ ...onTrial, paidThrough: day(2), expiresAt: day(2) }, [0]).told).toEqual(['0 trial_ending active 3']);
  });

  test('that is over when it is first heard of is not spoken of, though the slack goes on', () => {
    expect(live(onTrial, [30]).told).toEqual([]);
  });

  test('that is canceled is an end like any other', () => {
    expect(live({ ...onTrial, billingRenews: false, cancelsAt: day(30) }, [0, 27, 29]).told).toEqual(['27 license.expiring_soon active 7', '29 license.expiring_soon active 1']);
  });
});
