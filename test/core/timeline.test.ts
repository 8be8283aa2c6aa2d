import { describe, expect, test } from '@jest/globals';
import type { SubscriptionFact } from '../../src/billing/core/facts.ts';
import { project } from '../../src/billing/core/project.ts';
import { entryOf, mergeTimelines } from '../../src/billing/core/timeline.ts';
import { shuffled } from '../support/fake-stripe/random.ts';
import { at, day, invoice, issued, item, known, mapping, purchase, seen, subscription } from '../support/facts.ts';

const units = (quantity: number, change: Partial<SubscriptionFact> = {}) => subscription({ items: quantity === 0 ? [] : [item({ quantity })], ...change });
const paid = known(invoice({ paidAt: day(1) }));

/** The units of a subscription that went like this, none of them issued yet: whether each goes on, or when it ended. */
function standing(sights: [n: number, fact: SubscriptionFact][], mappings = [mapping()]): string[] {
  const [last, ...before] = sights.toReversed();
  const history = seen(last![1], day(last![0]), ...before.map(([n, fact]): [string, SubscriptionFact] => [day(n), fact]));
  const timeline = shuffled(history.marks.timeline!, sights.length).reduce((merged, entry) => mergeTimelines(merged, [entry]), [] as typeof history.marks.timeline & object);
  const { plans } = project(purchase({ subscription: { ...history, marks: { timeline } }, invoices: [paid] }), mappings, [], at(30));
  return plans.toSorted((a, b) => a.unit - b.unit).map(({ billing, expiresAt }) => (billing.state === 'ENDED' ? `ended on day ${(expiresAt as Date).getUTCDate()}` : billing.state));
}

describe('what was bought once has its license, and what is gone ended when it went', () => {
  test.each<[string, Parameters<typeof standing>[0], string[]]>([
    ['fewer units', [[1, units(3)], [5, units(1)], [9, units(1)]], ['ACTIVE', 'ended on day 5', 'ended on day 5']],
    ['fewer, more and fewer units', [[1, units(2)], [5, units(1)], [7, units(2)], [9, units(1)]], ['ACTIVE', 'ended on day 9']],
    ['fewer, then more units', [[1, units(3)], [5, units(1)], [7, units(2)]], ['ACTIVE', 'ACTIVE', 'ended on day 5']],
    ['an item that was removed', [[1, units(1)], [5, units(0)], [9, units(0)]], ['ended on day 5']],
    ['units that were gone before the first was due', [[1, units(3, { status: 'incomplete' })], [1, units(1)]], ['ACTIVE']],
    ['units that were added in whatever standing, once the item was due', [[1, units(1)], [5, units(2, { status: 'past_due' })], [6, units(1)]], ['ACTIVE', 'ended on day 6']],
    ['an item that not every sight shows', [[1, units(1)], [5, units(0, { partial: true })]], []],
    ['an item that was shown again', [[1, units(1)], [5, units(0, { partial: true })], [6, units(1)]], ['ACTIVE']],
  ])('%s', (_title, sights, expected) => {
    expect(standing(sights)).toEqual(expected);
  });

  test('a price that was mapped before the last sight keeps as many licenses as it had', () => {
    const moved = subscription({ items: [item({ priceId: 'price_2', quantity: 40 })] });
    expect(standing([[1, units(3)], [3, units(2)], [5, moved]])).toEqual(['ACTIVE', 'ACTIVE', 'ended on day 3']);
  });

  test('units that were gone before their price was mapped were never bought', () => {
    const history = (heardAt: string) => ({ ...seen(units(1), day(5)), marks: { timeline: [{ ...entryOf(units(3), day(1)), heardAt }, { ...entryOf(units(1), day(5)), heardAt }] } });
    const statesWhenHeard = (n: number) => project(purchase({ subscription: history(day(n)), invoices: [paid] }), [mapping({ createdAt: at(6) })], [], at(7)).plans.map(({ billing }) => billing.state);
    expect(statesWhenHeard(5)).toEqual(['ACTIVE']);
    expect(statesWhenHeard(6)).toEqual(['ACTIVE', 'ENDED', 'ENDED']);
  });

  test('units that are seen first when they are gone are the same as those seen while they lived', () => {
    const three = purchase({ subscription: seen(units(3)), invoices: [paid] });
    const before = project(three, [mapping()], [], at(2)).plans.map(issued);
    const one = purchase({ subscription: seen(units(1), day(5), [day(1), units(3)]), invoices: [paid] });
    expect(project(one, [mapping()], before, at(5)).plans).toEqual(project(one, [mapping()], [], at(5)).plans);
  });
});

describe('a timeline', () => {
  const sight = (n: number, quantity: number) => entryOf(units(quantity), day(n));

  test('is the same whatever the order its sights came in, and however often', () => {
    const sights = Array.from({ length: 12 }, (_, n) => sight(n + 1, (n * 5) % 4));
    const merged = (entries: typeof sights) => entries.reduce((timeline, entry) => mergeTimelines(timeline, [entry]), [] as typeof sights);
    for (let seed = 1; seed <= 50; seed += 1) expect({ seed, timeline: merged(shuffled([...sights, ...sights], seed)) }).toEqual({ seed, timeline: sights });
  });

  test('keeps when a sight was heard of first', () => {
    const heard = (heardAt: string) => ({ ...sight(1, 1), heardAt });
    expect(mergeTimelines([heard(day(3))], [heard(day(2))])).toEqual([heard(day(2))]);
    expect(mergeTimelines([heard(day(2))], [heard(day(3))])).toEqual([heard(day(2))]);
  });

  test('forgets what was only repeated, long ago', () => {
    const sights = Array.from({ length: 400 }, (_, n) => sight(n + 1, 1));
    const timeline = mergeTimelines(sights, [sight(401, 2)]);
    expect(timeline.length).toBeLessThan(40);
    expect([timeline[0], timeline.at(-2), timeline.at(-1)]).toEqual([sight(1, 1), sight(400, 1), sight(401, 2)]);
  });
});
