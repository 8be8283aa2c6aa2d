import { describe, expect, test } from '@jest/globals';
import type { StripeFact } from '../../src/billing/core/facts.ts';
import { mergeMarks, supersedes } from '../../src/billing/core/last-truth.ts';
import type { Sighting, Stored } from '../../src/billing/core/sighting.ts';
import { day, dispute, invoice, known, refund, session, subscription } from '../support/facts.ts';

function stored(fact: StripeFact, { asOf = day(1), first = false } = {}): Stored {
  return { ...known(fact, { asOf }), first };
}

function sighting(fact: StripeFact, change: Partial<Sighting> = {}): Sighting {
  return { fact, asOf: day(1), fetched: false, marks: {}, first: false, previous: null, ...change };
}

const live = subscription();
const pastDue = subscription({ status: 'past_due' });
const canceled = subscription({ status: 'canceled', endedAt: day(1) });

describe('the last truth of an object', () => {
  test('is the first one told', () => {
    expect(supersedes(sighting(live), null)).toBe(true);
  });

  test('is the newer of two', () => {
    expect(supersedes(sighting(pastDue, { asOf: day(2) }), stored(live))).toBe(true);
    expect(supersedes(sighting(live, { asOf: day(1) }), stored(pastDue, { asOf: day(2) }))).toBe(false);
  });

  test('is the terminal one, even where two clocks disagree', () => {
    expect(supersedes(sighting(canceled, { asOf: day(1) }), stored(live, { asOf: day(2) }))).toBe(true);
    expect(supersedes(sighting(live, { asOf: day(2) }), stored(canceled, { asOf: day(1) }))).toBe(false);
  });

  test.each([
    ['a paid invoice over an open one', invoice(), invoice({ status: 'open' })],
    ['an active subscription over an incomplete one', live, subscription({ status: 'incomplete' })],
    ['a paid session over an unpaid one', session(), session({ paymentStatus: 'unpaid' })],
    ['a session with its line items over one without', session(), session({ lineItems: null })],
    ['a closed dispute over an open one', dispute({ status: 'won' }), dispute({ status: 'needs_response' })],
    ['a dispute over the inquiry that it was', dispute({ status: 'needs_response' }), dispute({ status: 'warning_closed' })],
    ['a refund that failed over one that came', refund({ status: 'failed' }), refund()],
    ['an invoice with what paid it over one without', invoice({ paymentIds: ['pi_1'] }), invoice()],
  ])('of one second is %s, in either order', (_title, later, earlier) => {
    expect(supersedes(sighting(later), stored(earlier))).toBe(true);
    expect(supersedes(sighting(earlier), stored(later))).toBe(false);
  });

  test('of a dispute that is closed is the later of two ends', () => {
    expect(supersedes(sighting(dispute({ status: 'lost' }), { asOf: day(2) }), stored(dispute({ status: 'won' })))).toBe(true);
    expect(supersedes(sighting(dispute({ status: 'won' }), { asOf: day(2) }), stored(dispute({ status: 'lost' })))).toBe(true);
  });

  test('of one second is never told by *.created once a row exists', () => {
    expect(supersedes(sighting(live, { first: true, previous: pastDue }), stored(pastDue))).toBe(false);
  });

  test('of one second is anything over *.created, whatever it says of its past', () => {
    for (const previous of [null, subscription({ status: 'trialing' })]) {
      expect(supersedes(sighting(pastDue, { previous }), stored(live, { first: true }))).toBe(true);
      expect(supersedes(sighting(live, { first: true }), stored(pastDue))).toBe(false);
    }
  });

  test('of one second is the same in either order, also where neither tells its past', () => {
    const either = [supersedes(sighting(live), stored(pastDue)), supersedes(sighting(pastDue), stored(live))];
    expect(either.toSorted()).toEqual([false, true]);
    expect(supersedes(sighting(live), stored(live))).toBe(false);
  });

  test('of one second is the one whose previous attributes are what is stored', () => {
    expect(supersedes(sighting(pastDue, { previous: live }), stored(live))).toBe(true);
    expect(supersedes(sighting(live, { previous: subscription({ status: 'trialing' }) }), stored(pastDue))).toBe(false);
  });
});

test('marks only move one way, whatever the order they are merged in', () => {
  const early = { failedAt: day(1), emailChangedAt: day(3) };
  const late = { failedAt: day(2) };
  expect(mergeMarks(early, late)).toEqual(early);
  expect(mergeMarks(late, early)).toEqual(early);
  expect(mergeMarks({}, {})).toEqual({});
  const announced = [{ trialEndTold: day(7) }, { trialEndTold: day(9) }] as const;
  expect([mergeMarks(...announced), mergeMarks(announced[1], announced[0])]).toEqual([announced[1], announced[1]]);
});
