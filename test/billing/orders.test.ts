import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StripeFact } from '../../src/billing/core/facts.ts';
import { mergeMarks, supersedes } from '../../src/billing/core/last-truth.ts';
import { completeMapping, type Mapping } from '../../src/billing/core/mapping.ts';
import { project } from '../../src/billing/core/project.ts';
import { gatherPurchase, type LicensePlan, purchaseIdsIn } from '../../src/billing/core/purchase.ts';
import { readEvent } from '../../src/billing/core/read-stripe.ts';
import type { Sighting, Stored } from '../../src/billing/core/sighting.ts';
import { effectiveStatus } from '../../src/licensing/core/status.ts';
import { issued } from '../support/facts.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { shuffled } from '../support/fake-stripe/random.ts';
import { type Shape, shapes } from '../support/fake-stripe/shape.ts';
import { stories } from '../support/stories/all-stories.ts';
import { standing } from '../support/stories/standing.ts';
import { dayOf, happensIn, JUDGED_ON, openShop, type Shop, type Story, tellStory, unmapped } from '../support/stories/story.ts';

/**
 * Every story, its events in many orders and each of them repeated, through the core alone: the readers, the last truth, the projection after
 * every event. Without a database a permutation takes a millisecond. `test/flows/stories.test.ts` tells them to the whole service.
 */

const SEEDS = Number(process.env['SEEDS'] ?? 4);
const now = dayOf(JUDGED_ON);

describe.each(shapes)('told in the %s shape', (shape) => {
  let stripe: FakeStripe;
  let shop: Shop;
  let day = 0;
  beforeAll(async () => {
    stripe = await startFakeStripe({ shape, now: () => dayOf(day), seed: 11 });
    shop = openShop(stripe);
  });
  afterAll(() => stripe.close());

  test.each(stories.filter((story) => happensIn(shape, story)))('$title: the licenses are the same in every order', (story) => {
    const events = tellStory(story, { stripe, shop, email: `buyer-${stories.indexOf(story)}@example.com`, on: (next) => (day = next) });
    const sightings = events.map((event) => readEvent(JSON.stringify(event), 'test')).flatMap((read) => (read.ok ? [read.sighting] : []));
    const mappings = mappingsFor(shop, story);
    const inOrder = comeOf(sightings, { mappings, shop });
    if (suffices(shape, story)) expect(inOrder.toSorted()).toEqual(story.ends.toSorted());
    expect({ order: 'reversed', licenses: comeOf(sightings.toReversed(), { mappings, shop }) }).toEqual({ order: 'reversed', licenses: inOrder });
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      expect({ seed, licenses: comeOf(shuffled([...sightings, ...sightings], seed), { mappings, shop }) }).toEqual({ seed, licenses: inOrder });
    }
  });
});

/** Whether the events alone say enough; what takes a Stripe key to know is told to the whole service. */
function suffices(shape: Shape, { needsKey }: Story): boolean {
  return needsKey === undefined || (needsKey === 'payments' && shapes.indexOf(shape) <= shapes.indexOf('acacia'));
}

function mappingsFor(shop: Shop, { mapping: { policy, ...options } = {} }: Story): Mapping[] {
  return Object.entries(shop)
    .filter(([name]) => !unmapped.some((without) => without === name))
    .map(([name, stripePriceId]) => ({
      ...completeMapping({ policyId: name, stripePriceId, ...options }), id: `mapping-${name}`, createdAt: dayOf(0), expirationStrategy: policy?.expirationStrategy ?? 'RESTRICT_ACCESS',
    }));
}

/** A license as it stands, and the purchase it was issued for. */
type Licensed = { purchaseId: string; plan: LicensePlan };

/** What the licenses come to when the events come in this order, each license as `standing` puts it, whichever unit it is for. */
function comeOf(sightings: Sighting[], { mappings, shop }: { mappings: Mapping[]; shop: Shop }): string[] {
  const facts = new Map<string, Stored>();
  const licenses = new Map<string, Licensed>();
  for (const sighting of sightings) {
    const stored = facts.get(sighting.fact.id) ?? null;
    const marks = mergeMarks(stored?.marks ?? {}, sighting.marks);
    facts.set(sighting.fact.id, supersedes(sighting, stored) ? { ...sighting, marks } : { ...stored!, marks });
    apply([...facts.values()], licenses, mappings);
  }
  return [...licenses.values()].map(({ plan }) => inWords(plan, shop)).toSorted();
}

/** Every purchase, projected again: more often than the service does, which projects those an event bears on. */
function apply(known: Stored[], licenses: Map<string, Licensed>, mappings: Mapping[]): void {
  for (const id of purchaseIdsIn(known.map(({ fact }): StripeFact => fact))) {
    const purchase = gatherPurchase(id, known);
    const ids = [id, ...purchase.invoices.map(({ fact }) => fact.id)];
    const before = [...licenses.values()].filter(({ purchaseId }) => ids.includes(purchaseId)).map(({ plan }) => issued(plan));
    for (const plan of project(purchase, mappings, before, now).plans) {
      const key = `${plan.itemId} ${plan.unit}`;
      licenses.set(key, { purchaseId: licenses.get(key)?.purchaseId ?? id, plan });
    }
  }
}

function inWords({ billing, expiresAt, priceId, seats }: LicensePlan, shop: Shop): string {
  const ends = expiresAt === 'POLICY' ? null : expiresAt;
  const { state, reason, renews, graceEndsAt, cancelsAt } = billing;
  const status = effectiveStatus({ vendorStatus: 'active', enabled: true, expiresAt: ends, billingState: state, billingRenews: renews, graceEndsAt, customerBanned: false }, 24, now);
  return standing({ status, expiresAt: ends, maxMachines: seats, billing: { state, reason, graceEndsAt, cancelsAt, stripePriceId: priceId } }, shop);
}
