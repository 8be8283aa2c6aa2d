import { describe, expect, test } from '@jest/globals';
import { project } from '../../src/billing/core/project.ts';
import { MOST_UNITS } from '../../src/billing/core/units.ts';
import { at, day, invoice, issued, item, known, line, mapping, purchase, seen, session, subscription } from '../support/facts.ts';

const active = seen(subscription());
const paid = known(invoice());

/** A renewal that failed on day 31 and is still open. */
const failed = known(invoice({ id: 'in_2', status: 'open', billingReason: 'subscription_cycle', createdAt: day(31), through: day(61) }), { marks: { failedAt: day(31) } });
const pastDue = seen(subscription({ status: 'past_due', items: [item({ periodStart: day(31), periodEnd: day(61) })] }), day(31), [day(1), subscription()]);

describe('what a subscription is owed', () => {
  test('an active subscription with a mapped item has one license, paid through the paid line', () => {
    const { plans, finding } = project(purchase({ subscription: active, invoices: [paid] }), [mapping()], [], at(2));
    expect(plans).toHaveLength(1);
    expect(plans[0]).toMatchObject({ itemId: 'si_1', unit: 0, expiresAt: at(31), billing: { state: 'ACTIVE', renews: true, paidThrough: at(31) } });
    expect(finding.code).toBe('licenses_current');
  });

  test('an unpaid renewal never extends it, whatever the period of the subscription says', () => {
    const moved = seen(subscription({ items: [item({ periodStart: day(31), periodEnd: day(61) })] }), day(31), [day(1), subscription()]);
    const { plans } = project(purchase({ subscription: moved, invoices: [paid] }), [mapping()], [], at(31));
    expect(plans[0]?.expiresAt).toEqual(at(31));
  });

  test.each([
    ['incomplete', {}],
    ['incomplete_expired', {}],
    ['past_due', {}],
    ['trialing', { mapping: { issueOnTrial: false }, marks: { trialingAt: day(1) } }],
    ['active', { sendsInvoice: true, marks: { activeAt: day(1) } }],
  ] as const)('nothing is issued while a %s subscription was never paid for (%j)', (status, { marks = {}, mapping: change = {}, sendsInvoice = false }: any) => {
    const facts = purchase({ subscription: known(subscription({ status, sendsInvoice }), { marks }) });
    expect(project(facts, [mapping(change)], [], at(2))).toMatchObject({ plans: [], finding: { code: 'nothing_due' } });
  });

  test('a trial is issued until its end', () => {
    const trial = seen(subscription({ status: 'trialing', trialEnd: day(15) }));
    const { plans } = project(purchase({ subscription: trial }), [mapping()], [], at(2));
    expect(plans[0]).toMatchObject({ expiresAt: at(15), billing: { state: 'ACTIVE', reason: 'TRIAL' } });
  });

  test('a trial that was ended early covers no more than it lasted, and the paid month after it all of it', () => {
    const free = known(invoice({ lines: [line({ id: 'il_0', periodEnd: day(45), amount: 0 })] }));
    const month = known(invoice({ id: 'in_2', lines: [line({ periodStart: day(10), periodEnd: day(40) })] }));
    const over = seen(subscription({ trialEnd: day(10), items: [item({ periodStart: day(10), periodEnd: day(40) })] }), day(10), [day(1), subscription({ status: 'trialing' })]);
    expect(project(purchase({ subscription: over, invoices: [free, month] }), [mapping()], [], at(11)).plans[0]?.expiresAt).toEqual(at(40));
  });

  test('an event that comes after the end still finds the license due, ended when Stripe ended it', () => {
    const gone = known(subscription({ status: 'canceled', endedAt: day(10) }), { asOf: day(10) });
    const { plans } = project(purchase({ subscription: gone, invoices: [paid] }), [mapping()], [], at(11));
    expect(plans[0]).toMatchObject({ expiresAt: at(10), billing: { state: 'ENDED', reason: 'CANCELED', renews: false } });
  });

  test('a scheduled cancellation is shown, keeps the license and expects no renewal', () => {
    const leaving = seen(subscription({ cancelAtPeriodEnd: true }));
    const { plans } = project(purchase({ subscription: leaving, invoices: [paid] }), [mapping()], [], at(2));
    expect(plans[0]?.billing).toMatchObject({ state: 'ACTIVE', cancelsAt: at(31), renews: false });
  });

  test('ten units are ten licenses, or one with ten times the seats', () => {
    const ten = purchase({ subscription: seen(subscription({ items: [item({ quantity: 10 })] })) });
    expect(project(ten, [mapping()], [], at(2)).plans.map(({ unit }) => unit)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(project(ten, [mapping({ quantityMode: 'SEATS', seatsPerUnit: 3 })], [], at(2)).plans).toMatchObject([{ unit: 0, seats: 30 }]);
  });

  test('fewer units end the newest licenses and keep the others', () => {
    const two = purchase({ subscription: seen(subscription({ items: [item({ quantity: 2 })] })), invoices: [paid] });
    const before = project(two, [mapping()], [], at(2)).plans.map(issued);
    const one = { ...two, subscription: seen(subscription(), day(5), [day(1), two.subscription!.fact]) };
    const { plans } = project(one, [mapping()], before, at(5));
    expect(plans.map(({ unit, billing, expiresAt }) => [unit, billing.state, expiresAt])).toEqual([[0, 'ACTIVE', at(31)], [1, 'ENDED', at(5)]]);
  });

  test('an unmapped price issues nothing and says which price', () => {
    expect(project(purchase({ subscription: active, invoices: [paid] }), [], [], at(2))).toMatchObject({ plans: [], finding: { code: 'price_unmapped', subject: 'price_1' } });
  });

  test('a move to another mapped price keeps the license and changes its mapping', () => {
    const before = project(purchase({ subscription: active, invoices: [paid] }), [mapping()], [], at(2)).plans.map(issued);
    const moved = seen(subscription({ items: [item({ priceId: 'price_2' })] }), day(5), [day(1), subscription()]);
    const mappings = [mapping(), mapping({ id: 'mapping-2', stripePriceId: 'price_2' })];
    const { plans } = project(purchase({ subscription: moved, invoices: [paid] }), mappings, before, at(5));
    expect(plans).toMatchObject([{ itemId: 'si_1', unit: 0, priceId: 'price_2', mapping: { id: 'mapping-2' }, expiresAt: at(31) }]);
  });

  test('a move to an unmapped price keeps the license as it is and needs attention', () => {
    const before = project(purchase({ subscription: active, invoices: [paid] }), [mapping()], [], at(2)).plans.map(issued);
    const moved = seen(subscription({ items: [item({ priceId: 'price_2' })] }), day(5), [day(1), subscription()]);
    const { plans, finding } = project(purchase({ subscription: moved, invoices: [paid] }), [mapping()], before, at(5));
    expect(plans).toMatchObject([{ priceId: 'price_1', mapping: { id: 'mapping-1' }, billing: { state: 'ACTIVE' } }]);
    expect(finding).toEqual({ code: 'price_change_unmapped', subject: 'price_2' });
  });

  test.each([[40], [1]])('a move to an unmapped price, to %s units, changes nothing about how many licenses there are', (quantity) => {
    const five = purchase({ subscription: seen(subscription({ items: [item({ quantity: 5 })] })), invoices: [paid] });
    const before = project(five, [mapping()], [], at(2)).plans.map(issued);
    const moved = seen(subscription({ items: [item({ priceId: 'price_2', quantity })] }), day(5), [day(1), subscription({ items: [item({ quantity: 5 })] })]);
    const { plans } = project({ ...five, subscription: moved }, [mapping()], before, at(5));
    expect(plans.map(({ unit, billing }) => [unit, billing.state])).toEqual([0, 1, 2, 3, 4].map((unit) => [unit, 'ACTIVE']));
  });

  test('what an item was before it moved to an unmapped price counts the same when it is told of after the move', () => {
    const moved = subscription({ items: [item({ priceId: 'price_2' })] });
    const [two, three, one] = [2, 3, 1].map((quantity) => subscription({ items: [item({ quantity })] }));
    const told = (...before: Parameters<typeof seen>[2][]) => purchase({ subscription: seen(moved, day(9), ...before), invoices: [paid] });
    const early = project(told([day(1), two!]), [mapping()], [], at(9)).plans.map(issued);
    expect(early).toHaveLength(2);
    const more = project(told([day(1), two!], [day(5), three!]), [mapping()], early, at(9)).plans;
    expect(more.map(({ unit, billing }) => [unit, billing.state])).toEqual([0, 1, 2].map((unit) => [unit, 'ACTIVE']));
    const fewer = project(told([day(1), two!], [day(5), one!]), [mapping()], early, at(9)).plans;
    expect(fewer.map(({ unit, billing }) => [unit, billing.state])).toEqual([[0, 'ACTIVE'], [1, 'ENDED']]);
  });

  test('what is bought once in the checkout of a subscription is a license for good, also when the subscription ends', () => {
    const both = known(invoice({ lines: [line(), line({ id: 'il_2', priceId: 'price_once', subscriptionItemId: null })] }));
    const mappings = [mapping(), mapping({ id: 'mapping-2', stripePriceId: 'price_once' })];
    const plans = (subscribed: Parameters<typeof purchase>[0] & object, before: ReturnType<typeof issued>[] = []) =>
      project(purchase({ ...subscribed, invoices: [both] }), mappings, before, at(11)).plans;
    const first = plans({ subscription: active });
    expect(first.map(({ itemId, expiresAt, billing }) => [itemId, expiresAt, billing.state])).toEqual([['si_1', at(31), 'ACTIVE'], ['il_2', 'POLICY', 'ACTIVE']]);
    const gone = seen(subscription({ status: 'canceled', endedAt: day(10) }), day(10), [day(1), subscription()]);
    expect(plans({ subscription: gone }, first.map(issued)).map(({ itemId, billing }) => [itemId, billing.state])).toEqual([['si_1', 'ENDED'], ['il_2', 'ACTIVE']]);
  });

  test.each([
    ['the period that runs, while the last one is paid', { status: 'active' as const }, day(31), at(61)],
    ['no more than the period that is over, once that is not paid', { status: 'past_due' as const }, day(31), at(31)],
    ['no more than was paid, where the last period was not', { status: 'active' as const }, day(30), at(30)],
  ])('usage that is billed in arrears covers %s', (_title, change, through, expiresAt) => {
    const metered = seen(subscription({ ...change, items: [item({ metered: true, periodStart: day(31), periodEnd: day(61) })] }), day(31), [day(1), subscription()]);
    expect(project(purchase({ subscription: metered, invoices: [known(invoice({ through }))] }), [mapping()], [], at(32)).plans[0]?.expiresAt).toEqual(expiresAt);
  });

  test.each([[day(20), false], [day(200), true]])('a cancellation on %s expects a renewal before it: %s', (cancelAt, renews) => {
    const leaving = seen(subscription({ cancelAt }));
    expect(project(purchase({ subscription: leaving, invoices: [paid] }), [mapping()], [], at(2)).plans[0]?.billing.renews).toBe(renews);
  });

  test('a quantity that is out of all proportion issues nothing more, keeps what there is, and needs attention', () => {
    const many = (quantity: number) => purchase({ subscription: seen(subscription({ items: [item({ quantity })] })), invoices: [paid] });
    const before = project(many(2), [mapping()], [], at(2)).plans.map(issued);
    for (const quantity of [MOST_UNITS + 1, 999_999]) {
      const { plans, finding } = project(many(quantity), [mapping()], before, at(2));
      expect(plans.map(({ unit, billing }) => [unit, billing.state])).toEqual([[0, 'ACTIVE'], [1, 'ACTIVE']]);
      expect(finding.code).toBe('too_many_units');
    }
    expect(project(many(MOST_UNITS), [mapping()], before, at(2)).plans).toHaveLength(MOST_UNITS);
    expect(project(many(999_999), [mapping({ quantityMode: 'SEATS' })], [], at(2)).plans.map(({ seats }) => seats)).toEqual([999_999]);
  });

  test('an item that is not shown, because the event shows the first ones only, is not ended', () => {
    const two = purchase({ subscription: seen(subscription({ items: [item(), item({ id: 'si_2' })] })), invoices: [paid] });
    const before = project(two, [mapping()], [], at(2)).plans.map(issued);
    const shown = (partial: boolean) => ({ ...two, subscription: seen(subscription({ partial }), day(5), [day(1), subscription()]) });
    expect(project(shown(true), [mapping()], before, at(5)).plans.map(({ itemId }) => itemId)).toEqual(['si_1']);
    expect(project(shown(false), [mapping()], before, at(5)).plans.map(({ billing }) => billing.state)).toEqual(['ACTIVE', 'ENDED']);
  });

  test('a unit that a REVOKE policy took back, which an end of the vendor puts off, stays revoked when it is paid for again, and needs attention', () => {
    const revoke = mapping({ expirationStrategy: 'REVOKE' });
    const units = (quantity: number, asOf: string) => purchase({ subscription: seen(subscription({ items: [item({ quantity })] }), asOf, [day(1), subscription()]), invoices: [paid] });
    const two = project(units(2, day(1)), [revoke], [], at(2)).plans.map(issued);
    const one = project(units(1, day(3)), [revoke], two, at(3)).plans.map(issued);
    const again = project(units(2, day(4)), [revoke], one, at(4));
    const extended = project(units(1, day(3)), [revoke], two.map((license) => ({ ...license, vendorExpiresAt: at(9) })), at(3));
    expect(extended.plans.map(({ billing }) => billing.state)).toEqual(['ACTIVE', 'ENDED']);
    expect(again.plans.map(({ billing }) => billing.state)).toEqual(['ACTIVE', 'REVOKED']);
    expect(again.finding.code).toBe('revoked_stays');
  });

  test('a mapping that is switched off issues nothing new and serves what it issued', () => {
    const off = mapping({ active: false });
    const facts = purchase({ subscription: active, invoices: [paid] });
    expect(project(facts, [off], [], at(2)).plans).toEqual([]);
    const before = project(facts, [mapping()], [], at(2)).plans.map(issued);
    expect(project(facts, [off], before, at(2))).toMatchObject({ plans: [{ billing: { state: 'ACTIVE' } }], finding: { code: 'licenses_current' } });
  });
});

describe('grace', () => {
  test('lasts from the first failure for the days of the mapping', () => {
    const { plans } = project(purchase({ subscription: pastDue, invoices: [paid, failed] }), [mapping()], [], at(32));
    expect(plans[0]?.billing).toMatchObject({ state: 'GRACE', reason: 'PAYMENT_FAILED', graceEndsAt: at(38), renews: false });
  });

  test('then suspends, at the very moment it ends', () => {
    const facts = purchase({ subscription: pastDue, invoices: [paid, failed] });
    const state = (now: Date) => project(facts, [mapping()], [], now).plans[0]?.billing.state;
    expect(state(new Date(at(38).getTime() - 1))).toBe('GRACE');
    expect(state(at(38))).toBe('SUSPENDED');
  });

  test('of zero days suspends at the first failure', () => {
    const { plans } = project(purchase({ subscription: pastDue, invoices: [paid, failed] }), [mapping({ gracePeriodDays: 0 })], [], at(31));
    expect(plans[0]?.billing.state).toBe('SUSPENDED');
  });

  test('is anchored by the oldest unpaid invoice, not by a newer one', () => {
    const newer = known(invoice({ id: 'in_3', status: 'open', billingReason: 'subscription_cycle', createdAt: day(61), through: day(91) }), { marks: { failedAt: day(61) } });
    const { plans } = project(purchase({ subscription: pastDue, invoices: [newer, failed, paid] }), [mapping({ gracePeriodDays: 60 })], [], at(62));
    expect(plans[0]?.billing.graceEndsAt).toEqual(at(91));
  });

  test('of an invoice that is sent lasts from its due date', () => {
    const sent = known(invoice({ id: 'in_2', status: 'open', billingReason: 'subscription_cycle', createdAt: day(31), dueAt: day(45), through: day(61) }));
    const { plans } = project(purchase({ subscription: pastDue, invoices: [paid, sent] }), [mapping()], [], at(46));
    expect(plans[0]?.billing).toMatchObject({ state: 'GRACE', graceEndsAt: at(52) });
  });

  test('is not anchored by what was written off before a later invoice was paid', () => {
    const writtenOff = known({ ...failed.fact, status: 'uncollectible' as const }, { marks: { failedAt: day(31) } });
    const later = known(invoice({ id: 'in_3', billingReason: 'subscription_cycle', createdAt: day(61), through: day(91) }));
    const latest = known(invoice({ id: 'in_4', status: 'open', billingReason: 'subscription_cycle', createdAt: day(91), through: day(121) }), { marks: { failedAt: day(91) } });
    const { plans } = project(purchase({ subscription: pastDue, invoices: [paid, writtenOff, later, latest] }), [mapping()], [], at(92));
    expect(plans[0]?.billing).toMatchObject({ state: 'GRACE', graceEndsAt: at(98) });
  });

  test('is lifted when the invoice is paid, even before the subscription says so', () => {
    const settled = known(invoice({ id: 'in_2', billingReason: 'subscription_cycle', createdAt: day(31), through: day(61) }), { marks: { failedAt: day(31) } });
    const { plans } = project(purchase({ subscription: pastDue, invoices: [paid, settled] }), [mapping()], [], at(33));
    expect(plans[0]).toMatchObject({ expiresAt: at(61), billing: { state: 'ACTIVE', graceEndsAt: null } });
  });

  test('starts with the failed invoice, even before the subscription says past_due', () => {
    const { plans } = project(purchase({ subscription: active, invoices: [paid, failed] }), [mapping()], [], at(31));
    expect(plans[0]?.billing.state).toBe('GRACE');
  });

  test.each([['void'], ['paid']] as const)('is not started by an invoice that is by now %s', (status) => {
    const over = known({ ...failed.fact, status }, { marks: { failedAt: day(31) } });
    expect(project(purchase({ subscription: active, invoices: [paid, over] }), [mapping()], [], at(31)).plans[0]?.billing.state).toBe('ACTIVE');
  });

  test('is not started by the failure of a first payment', () => {
    const first = known(invoice({ status: 'open' }), { marks: { failedAt: day(1) } });
    expect(project(purchase({ subscription: active, invoices: [first] }), [mapping()], [], at(1)).plans[0]?.billing.state).toBe('ACTIVE');
  });
});

describe('pauses and ends', () => {
  test.each([
    ['void', 'SUSPEND_WHEN_VOID', 'SUSPENDED'],
    ['keep_as_draft', 'SUSPEND_WHEN_VOID', 'ACTIVE'],
    ['keep_as_draft', 'SUSPEND', 'SUSPENDED'],
    ['void', 'KEEP', 'ACTIVE'],
  ] as const)('collection paused as %s under %s is %s', (pauseBehavior, onPauseCollection, state) => {
    const paused = seen(subscription({ pauseBehavior }));
    expect(project(purchase({ subscription: paused, invoices: [paid] }), [mapping({ onPauseCollection })], [], at(2)).plans[0]?.billing.state).toBe(state);
  });

  test('a canceled subscription has ended, whatever its pause says', () => {
    const gone = seen(subscription({ status: 'canceled', endedAt: day(10), pauseBehavior: 'void' }), day(1), [day(1), subscription()]);
    expect(project(purchase({ subscription: gone, invoices: [paid] }), [mapping()], [], at(11)).plans[0]?.billing.state).toBe('ENDED');
  });

  test('a REVOKE policy revokes at the end, and a later payment revives nothing and needs attention', () => {
    const gone = seen(subscription({ status: 'canceled', endedAt: day(10) }), day(1), [day(1), subscription()]);
    const revoke = mapping({ expirationStrategy: 'REVOKE' });
    const ended = project(purchase({ subscription: gone, invoices: [paid] }), [revoke], [], at(11));
    expect(ended.plans[0]?.billing.state).toBe('REVOKED');
    const late = known(invoice({ id: 'in_2', paidAt: day(12), through: day(61) }));
    const again = project(purchase({ subscription: gone, invoices: [paid, late] }), [revoke], ended.plans.map(issued), at(12));
    expect(again).toMatchObject({ plans: [{ billing: { state: 'REVOKED' } }], paidAfterEnd: ['in_2'] });
  });
});

describe('a one-time purchase', () => {
  test('is a license a unit of each mapped line, for as long as the policy says', () => {
    const lineItems = [
      { id: 'li_1', priceId: 'price_1', productId: 'prod_1', quantity: 2 },
      { id: 'li_2', priceId: 'price_other', productId: 'prod_2', quantity: 1 },
    ];
    const { plans } = project(purchase({ id: 'cs_1', session: known(session({ lineItems })) }), [mapping()], [], at(2));
    expect(plans.map(({ itemId, unit, expiresAt }) => [itemId, unit, expiresAt])).toEqual([['li_1', 0, 'POLICY'], ['li_1', 1, 'POLICY']]);
  });

  test.each([
    ['unpaid', 'nothing_due', 0],
    ['paid', 'licenses_current', 1],
    ['no_payment_required', 'licenses_current', 1],
  ] as const)('that is %s ends in %s', (paymentStatus, code, licenses) => {
    const projected = project(purchase({ id: 'cs_1', session: known(session({ paymentStatus })) }), [mapping()], [], at(2));
    expect([projected.finding.code, projected.plans.length]).toEqual([code, licenses]);
  });

  test('whose line items are not known needs attention', () => {
    expect(project(purchase({ id: 'cs_1', session: known(session({ lineItems: null })) }), [mapping()], [], at(2)).finding.code).toBe('line_items_missing');
  });

  test('takes the mapping of the price before the one of its product', () => {
    const mappings = [mapping({ id: 'by-product', stripePriceId: null, stripeProductId: 'prod_1' }), mapping({ id: 'by-price' })];
    expect(project(purchase({ id: 'cs_1', session: known(session()) }), mappings, [], at(2)).plans[0]?.mapping.id).toBe('by-price');
  });
});
