import { describe, expect, test } from '@jest/globals';
import type { Sighting, StripeFact } from '../../src/billing/core/facts.ts';
import { mergeMarks, supersedes } from '../../src/billing/core/last-truth.ts';
import { day, invoice, known, session, subscription } from '../support/facts.ts';

function sighting(fact: StripeFact, change: Partial<Sighting> = {}): Sighting {
  return { fact, asOf: day(1), marks: {}, first: false, previous: null, ...change };
}

const live = subscription();
const pastDue = subscription({ status: 'past_due' });
const canceled = subscription({ status: 'canceled', endedAt: day(1) });

describe('the last truth of an object', () => {
  test('is the first one told', () => {
    expect(supersedes(sighting(live), null)).toBe(true);
  });

  test('is the newer of two', () => {
    expect(supersedes(sighting(pastDue, { asOf: day(2) }), known(live))).toBe(true);
    expect(supersedes(sighting(live, { asOf: day(1) }), known(pastDue, { asOf: day(2) }))).toBe(false);
  });

  test('is the terminal one, even where two clocks disagree', () => {
    expect(supersedes(sighting(canceled, { asOf: day(1) }), known(live, { asOf: day(2) }))).toBe(true);
    expect(supersedes(sighting(live, { asOf: day(2) }), known(canceled, { asOf: day(1) }))).toBe(false);
  });

  test.each([
    ['a paid invoice over an open one', invoice(), invoice({ status: 'open' })],
    ['an active subscription over an incomplete one', live, subscription({ status: 'incomplete' })],
    ['a paid session over an unpaid one', session(), session({ paymentStatus: 'unpaid' })],
    ['a session with its line items over one without', session(), session({ lineItems: null })],
  ])('of one second is %s, in either order', (_title, later, earlier) => {
    expect(supersedes(sighting(later), known(earlier))).toBe(true);
    expect(supersedes(sighting(earlier), known(later))).toBe(false);
  });

  test('of one second is never told by *.created once a row exists', () => {
    expect(supersedes(sighting(live, { first: true, previous: pastDue }), known(pastDue))).toBe(false);
  });

  test('of one second is the one whose previous attributes are what is stored', () => {
    expect(supersedes(sighting(pastDue, { previous: live }), known(live))).toBe(true);
    expect(supersedes(sighting(live, { previous: subscription({ status: 'trialing' }) }), known(pastDue))).toBe(false);
  });
});

test('marks only move earlier, whatever the order they are merged in', () => {
  const early = { failedAt: day(1), activeAt: day(3) };
  const late = { failedAt: day(2) };
  expect(mergeMarks(early, late)).toEqual(early);
  expect(mergeMarks(late, early)).toEqual(early);
  expect(mergeMarks({}, {})).toEqual({});
});
