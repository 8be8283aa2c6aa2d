import { describe, expect, test } from '@jest/globals';
import type { MoneyFact } from '../../src/billing/core/facts.ts';
import type { MappingRequest } from '../../src/billing/core/mapping.ts';
import { project } from '../../src/billing/core/project.ts';
import type { Known } from '../../src/billing/core/sighting.ts';
import { at, charge, day, dispute, invoice, issued, known, line, mapping, purchase, refund, seen, session, subscription } from '../support/facts.ts';

type Change = Partial<Omit<MappingRequest, 'policyId'>>;

/** What becomes of the license of a one-time purchase of 19.00 when its payment is told about like this. */
function oneTime(money: Known<MoneyFact>[], change: Change = {}): string {
  const { plans } = project(purchase({ id: 'cs_1', session: known(session()), money }), [mapping(change)], [], at(9));
  return plans.map(({ billing }) => [billing.state, billing.reason].filter(Boolean).join(' ')).join();
}

const refunded = (change = {}) => known(charge({ amountRefunded: 1900, ...change }), { asOf: day(3) });

describe('a refund', () => {
  test.each([
    ['in full revokes', [refunded()], {}, 'REVOKED REFUNDED'],
    ['in full suspends, where the mapping says so', [refunded()], { onFullRefund: 'SUSPEND' }, 'SUSPENDED REFUNDED'],
    ['in full changes nothing, where the mapping says so', [refunded()], { onFullRefund: 'KEEP' }, 'ACTIVE'],
    ['in part changes nothing', [known(charge({ amountRefunded: 1899 }))], {}, 'ACTIVE'],
    ['in parts revokes once they are all of it', [known(charge()), known(refund({ amount: 900 })), known(refund({ id: 're_2', amount: 1000 }))], {}, 'REVOKED REFUNDED'],
    ['of whatever was captured revokes', [known(charge({ amount: 1000, amountRefunded: 1000 }))], {}, 'REVOKED REFUNDED'],
    ['that is pending waits', [refunded(), known(refund({ status: 'pending' }), { asOf: day(3) })], {}, 'ACTIVE'],
    ['that was pending and succeeded revokes', [refunded(), known(refund(), { asOf: day(4) })], {}, 'REVOKED REFUNDED'],
    ['that failed after the charge told of it is undone', [refunded(), known(refund({ status: 'failed' }), { asOf: day(4) })], {}, 'ACTIVE'],
    ['that was canceled is undone', [refunded(), known(refund({ status: 'canceled' }), { asOf: day(4) })], {}, 'ACTIVE'],
    ['that failed and was made again revokes', [refunded(), known(refund({ status: 'failed' }), { asOf: day(2) }), known(refund({ id: 're_2' }), { asOf: day(3) })], {}, 'REVOKED REFUNDED'],
    ['that failed, told by a charge which knows of the one that did not, revokes', [refunded(), known(refund({ status: 'failed' }), { asOf: day(2) })], {}, 'REVOKED REFUNDED'],
    ['that a charge lists as failed is undone', [refunded({ refunds: [{ id: 're_1', amount: 1900, status: 'failed' }] })], {}, 'ACTIVE'],
    ['that failed after a charge listed it is undone', [refunded({ refunds: [{ id: 're_1', amount: 1900, status: 'succeeded' }] }), known(refund({ status: 'failed' }), { asOf: day(4) })], {}, 'ACTIVE'],
    ['told before its charge is compared with what the session came to', [known(refund())], {}, 'REVOKED REFUNDED'],
    ['told before its charge, of a part, changes nothing', [known(refund({ amount: 1000 }))], {}, 'ACTIVE'],
    ['of another payment changes nothing', [known(charge({ id: 'ch_2', paymentIntentId: 'pi_2', amountRefunded: 1900 }))], {}, 'ACTIVE'],
    ['of nothing, where nothing was paid, changes nothing', [known(charge({ amount: 0 }))], {}, 'ACTIVE'],
  ] as const)('%s', (_title, money, change, state) => {
    expect(oneTime([...money], change)).toBe(state);
  });
});

describe('a dispute', () => {
  test.each([
    ['that waits for an answer suspends', ['needs_response'], {}, 'SUSPENDED DISPUTED'],
    ['that is looked into suspends', ['under_review'], {}, 'SUSPENDED DISPUTED'],
    ['that waits changes nothing, where the mapping says so', ['needs_response'], { onDispute: 'KEEP' }, 'ACTIVE'],
    ['that is only an inquiry changes nothing', ['warning_needs_response'], {}, 'ACTIVE'],
    ['that was won is over', ['won'], {}, 'ACTIVE'],
    ['that was an inquiry and is closed is over', ['warning_closed'], {}, 'ACTIVE'],
    ['that was lost revokes', ['lost'], {}, 'REVOKED DISPUTED'],
    ['that was lost revokes, whatever the mapping says', ['lost'], { onDispute: 'KEEP', onFullRefund: 'KEEP' }, 'REVOKED DISPUTED'],
    ['that is open suspends, though another was won', ['won', 'under_review'], {}, 'SUSPENDED DISPUTED'],
    ['that was lost revokes, though another was won', ['lost', 'won'], {}, 'REVOKED DISPUTED'],
  ] as const)('%s', (_title, statuses, change, state) => {
    expect(oneTime(statuses.map((status, n) => known(dispute({ id: `dp_${n}`, status }))), change)).toBe(state);
  });

  test('lost after a refund failed revokes', () => {
    expect(oneTime([refunded(), known(refund({ status: 'failed' }), { asOf: day(4) }), known(dispute({ status: 'lost' }))])).toBe('REVOKED DISPUTED');
  });
});

describe('the payments of a subscription', () => {
  const first = known(invoice({ paymentIds: ['pi_1'] }));
  const second = known(invoice({ id: 'in_2', billingReason: 'subscription_cycle', createdAt: day(31), through: day(61), paymentIds: ['pi_2'] }));
  const renewed = seen(subscription(), day(31));
  const state = (invoices: Parameters<typeof purchase>[0] & object, money: Known<MoneyFact>[], sub = renewed) =>
    project(purchase({ subscription: sub, ...invoices, money }), [mapping()], [], at(32)).plans.map(({ billing }) => [billing.state, billing.reason].filter(Boolean).join(' ')).join();
  const refundOf = (pi: string) => known(charge({ id: `ch_${pi}`, paymentIntentId: pi, amountRefunded: 1900 }));

  test('a refund of the current period revokes', () => {
    expect(state({ invoices: [first, second] }, [refundOf('pi_2')])).toBe('REVOKED REFUNDED');
  });

  test('a refund of a period that is over changes nothing', () => {
    expect(state({ invoices: [first, second] }, [refundOf('pi_1')])).toBe('ACTIVE');
  });

  test('the renewal that is paid after a refund brings the license back', () => {
    expect(state({ invoices: [first] }, [refundOf('pi_1')])).toBe('REVOKED REFUNDED');
    expect(state({ invoices: [first, second] }, [refundOf('pi_1')])).toBe('ACTIVE');
  });

  test('a dispute of a period that is over suspends', () => {
    expect(state({ invoices: [first, second] }, [known(dispute({ paymentIntentId: 'pi_1' }))])).toBe('SUSPENDED DISPUTED');
  });

  test('a refund is linked by the charge, where the charge names its invoice', () => {
    const unlinked = known(invoice());
    expect(state({ invoices: [unlinked] }, [known(charge({ invoiceId: 'in_1', amountRefunded: 1900 }))])).toBe('REVOKED REFUNDED');
    expect(state({ invoices: [unlinked] }, [known(refund({ paymentIntentId: null })), known(charge({ invoiceId: 'in_1' }))])).toBe('REVOKED REFUNDED');
  });

  test('a refund is linked by what the payment is known to have paid', () => {
    const link = known({ kind: 'invoice_payment' as const, id: 'inpay_1', invoiceId: 'in_1', paymentIntentId: 'pi_1', chargeId: null });
    expect(state({ invoices: [known(invoice())] }, [refundOf('pi_1'), link])).toBe('REVOKED REFUNDED');
  });

  test('what two payments paid for is refunded when both are', () => {
    const shared = known(invoice({ paymentIds: ['pi_1', 'pi_2'] }));
    expect(state({ invoices: [shared] }, [refundOf('pi_1')])).toBe('ACTIVE');
    expect(state({ invoices: [shared] }, [refundOf('pi_1'), refundOf('pi_2')])).toBe('REVOKED REFUNDED');
  });

  test('a refund of what a change in mid-period cost changes nothing', () => {
    const upgrade = known(invoice({ id: 'in_2', billingReason: 'subscription_update', paymentIds: ['pi_2'], lines: [line({ id: 'il_2', periodStart: day(9), proration: true })] }));
    expect(state({ invoices: [first, upgrade] }, [refundOf('pi_2')])).toBe('ACTIVE');
    expect(state({ invoices: [first, upgrade] }, [refundOf('pi_1')])).toBe('REVOKED REFUNDED');
  });

  test('a refund of what another unit cost in mid-period changes nothing, though it was credited and billed anew', () => {
    const more = known(invoice({ id: 'in_2', billingReason: 'subscription_update', paymentIds: ['pi_2'], lines: [
      line({ id: 'il_2', periodStart: day(9), amount: -1300, proration: true }), line({ id: 'il_3', periodStart: day(9), quantity: 2, amount: 2600, proration: true }),
    ] }));
    expect(state({ invoices: [first, more] }, [refundOf('pi_2')])).toBe('ACTIVE');
    expect(state({ invoices: [first, more] }, [refundOf('pi_1')])).toBe('REVOKED REFUNDED');
  });

  test('a refund after the end revokes, one that fails then leaves it ended', () => {
    const over = seen(subscription({ status: 'canceled', endedAt: day(20) }), day(20), [day(1), subscription()]);
    expect(state({ invoices: [first] }, [refundOf('pi_1')], over)).toBe('REVOKED REFUNDED');
    expect(state({ invoices: [first] }, [refundOf('pi_1'), known(refund({ chargeId: 'ch_pi_1', status: 'failed' }), { asOf: day(2) })], over)).toBe('ENDED CANCELED');
  });

  test('under a REVOKE policy a refund that fails does not bring back what was revoked at its end', () => {
    const revoke = [mapping({ expirationStrategy: 'REVOKE' })];
    const over = purchase({ subscription: seen(subscription({ status: 'canceled', endedAt: day(20) }), day(20), [day(1), subscription()]), invoices: [first] });
    const live = purchase({ subscription: seen(subscription()), invoices: [first] });
    const refundedFirst = project({ ...live, money: [refundOf('pi_1')] }, revoke, [], at(10)).plans.map(issued);
    const [thenEnded] = project({ ...over, money: [refundOf('pi_1')] }, revoke, refundedFirst, at(21)).plans;
    const endedFirst = project(over, revoke, [], at(21)).plans.map(issued);
    const [thenRefunded] = project({ ...over, money: [refundOf('pi_1')] }, revoke, endedFirst, at(21)).plans;
    expect(thenEnded?.billing).toEqual(thenRefunded?.billing);
    expect(thenEnded?.billing).toMatchObject({ state: 'REVOKED', reason: 'CANCELED' });
  });
});
