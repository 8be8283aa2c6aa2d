import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stripeEventTypes } from '../../../src/billing/core/read-stripe.ts';
import type { DeliveryOptions } from '../fake-stripe/deliver.ts';
import { type FakeStripe, startFakeStripe } from '../fake-stripe/fake-stripe.ts';
import { type Shape, shapes } from '../fake-stripe/shape.ts';
import type { FakeEvent } from '../fake-stripe/state.ts';
import { startTestService, type TestService, TEST_SECRET } from '../service.ts';
import { stories } from './all-stories.ts';
import { standing } from './standing.ts';
import { dayOf, happensIn, JUDGED_ON, type MappingOptions, openShop, type Shop, type Story, tellStory, unmapped } from './story.ts';

/**
 * All stories, told in one world, their events delivered to a whole service over signed webhooks, in one order and another. What a
 * story comes to is what the contract says, and the same in both: licenses, customers, mails and the outcome of every event.
 * (`test/billing/orders.test.ts` tells each story in many more orders, to the core alone.)
 */

type Order = { order: string; how: DeliveryOptions; workers: number };

const seed = Number(process.env['SEED'] ?? 1);
export const inOrder: Order = { order: 'in order', how: { concurrency: 3 }, workers: 1 };
export const shuffled: Order = { order: `shuffled by seed ${seed}, twice each, six at once, to two workers`, how: { shuffle: true, seed, duplicate: 2, concurrency: 6 }, workers: 2 };

export type StoryWorld = { shape: Shape; withKey: boolean; orders: Order[] };

/** A fifth of the stories with a key and another without one, to save time (the core is told all of them in any case); `ALL_STORIES=1` tells all of them both ways. */
function storiesOf({ shape, withKey }: StoryWorld): Story[] {
  const all = process.env['ALL_STORIES'] === '1';
  return stories.filter((story, n) => happensIn(shape, story) && (all || n % 5 === (withKey ? 0 : 1)));
}

/** The tests of one world: what each story comes to there, in each order. */
export function testStories(world: StoryWorld): void {
  const { shape, withKey, orders } = world;
  describe(`in ${shape} payloads, ${withKey ? 'with' : 'without'} a Stripe key`, () => {
    let stripe: FakeStripe;
    let day = 0;
    let comes: { order: string; came: Map<string, Come> }[];

    beforeAll(async () => {
      stripe = await startFakeStripe({ shape, now: () => dayOf(day), webhookSecret: TEST_SECRET, seed: 11 });
      const told = tellAll(stripe, storiesOf(world), (next) => (day = next));
      const key: Record<string, string> = withKey ? { STRIPE_TEST_SECRET_KEY: 'sk_test_fake', STRIPE_API_BASE: stripe.url } : {};
      comes = [];
      for (const { order, ...how } of orders) comes.push({ order, came: await come(stripe, told, { key, ...how }) });
    }, 240_000);
    afterAll(() => stripe.close());

    test.each(storiesOf(world))('$title', ({ title, ends, mails, needsKey }) => {
      const [first, ...others] = comes.map(({ order, came }) => ({ order, ...came.get(title)! }));
      const { order: _, ...expected } = first!;
      expect(Object.values(expected.outcomes)).not.toContain('failed');
      const asTold = JSON.stringify(expected.licenses) === JSON.stringify(ends.toSorted());
      // What the events alone do not tell is said, and not guessed.
      if (!asTold && !withKey && !suffices(shape, needsKey)) expect(Object.values(expected.outcomes)).toContain('needs_attention');
      else expect(expected.licenses).toEqual(ends.toSorted());
      // Keys that are told of one after the other come in mails of their own.
      const countsMails = ends.length <= 1;
      if (asTold && countsMails && mails !== undefined) expect(expected.mails).toBe(mails);
      for (const { order, ...other } of others) expect({ order, ...other }).toEqual({ order, ...expected, ...(!countsMails && { mails: other.mails }) });
      expect(expected.keysNotMailedOnce).toEqual([]);
    });
  });
}

/** Whether the events alone say enough. */
function suffices(shape: Shape, needsKey: Story['needsKey']): boolean {
  return needsKey === undefined || (needsKey === 'payments' && shapes.indexOf(shape) <= shapes.indexOf('acacia'));
}

type Told = { story: Story; email: string; shop: Shop; events: FakeEvent[] };

/** Stories with the same mapping options share a shop. What Tillkey does not take is left out, to save time: other tests send it. */
function tellAll(stripe: FakeStripe, told: Story[], on: (day: number) => void): Told[] {
  const shops = new Map<string, Shop>();
  return told.map((story, n) => {
    const options = JSON.stringify(story.mapping ?? {});
    const shop = shops.get(options) ?? openShop(stripe);
    shops.set(options, shop);
    const email = `buyer-${n}@buyer.example`;
    return { story, email, shop, events: tellStory(story, { stripe, shop, email, on }).filter(({ type }) => stripeEventTypes.includes(type)) };
  });
}

type Come = { licenses: string[]; customers: number; mails: number; outcomes: Record<string, string>; keysNotMailedOnce: string[] };

/** Delivers everything to a new Tillkey, and reads what each story came to. */
async function come(stripe: FakeStripe, told: Told[], { key, how, workers }: { key: Record<string, string>; how: DeliveryOptions; workers: number }): Promise<Map<string, Come>> {
  let ticks = 0;
  // It goes on, so that what was asked for is newer than an event that came before.
  const clock = { now: () => new Date(dayOf(JUDGED_ON).getTime() + (ticks += 1)), set: () => undefined };
  const choice = { clock, environment: key };
  const tillkey = await startTestService({ ...choice, role: 'web' });
  const running = await Promise.all(Array.from({ length: workers }, () => startTestService({ ...choice, role: 'worker', databaseUrl: tillkey.databaseUrl })));
  try {
    for (const [shop, options] of new Map(told.map(({ shop, story }): [Shop, MappingOptions] => [shop, story.mapping ?? {}]))) await openCatalog(tillkey, shop, options);
    const answers = await stripe.deliver(told.flatMap(({ events }) => events), { url: `${tillkey.url}/webhooks/stripe` }, how);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await tillkey.settled(100_000);
    const mails = (await Promise.all(running.map((worker) => worker.mails()))).flat();
    const [licenses, events, customers] = [await readAll(tillkey, '/api/v1/licenses'), await readAll(tillkey, '/api/v1/stripe-events'), await readAll(tillkey, '/api/v1/customers')];
    const outcomes = new Map(events.map(({ id, outcome }) => [id, outcome]));
    return new Map(told.map(({ story, email, shop, events: own }) => {
      const isTheirs = (address: string | null | undefined) => address?.split('@')[0]?.split('.')[0] === email.split('@')[0];
      const theirs = licenses.filter(({ userEmail }) => isTheirs(userEmail));
      const received = mails.filter(({ to }) => isTheirs(to?.[0]?.address));
      return [story.title, {
        licenses: theirs.map((license) => standing(license, shop)).toSorted(),
        customers: customers.filter((customer) => isTheirs(customer.email)).length,
        mails: received.filter(({ text }) => theirs.some((license) => text?.includes(license.key))).length,
        outcomes: Object.fromEntries(own.map(({ id, type }, n) => [`${n} ${type}`, outcomes.get(id)])),
        keysNotMailedOnce: theirs.filter((license) => received.filter(({ text }) => text?.includes(license.key)).length !== 1).map((license) => license.id),
      }];
    }));
  } finally {
    await Promise.all(running.map((worker) => worker.stop()));
    await tillkey.stop();
  }
}

/** A policy, and a mapping to it of each price that is for sale here. */
async function openCatalog({ call }: TestService, shop: Shop, { policy, ...options }: MappingOptions): Promise<void> {
  const create = async (path: string, body: object): Promise<string> => {
    const { status, body: answer } = await call('POST', `/api/v1${path}`, { body });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(answer)}`);
    return answer.data.id;
  };
  const productId = await create('/products', { name: 'Editor', code: `EDITOR-${shop.monthly.slice(-12)}`, keyPrefix: 'EDIT' });
  const policyId = await create('/policies', { productId, name: 'Editor', requireFingerprint: false, ...policy });
  const mapped = Object.entries(shop).filter(([name]) => !unmapped.some((without) => without === name));
  await Promise.all(mapped.map(([, stripePriceId]) => create('/stripe-mappings', { stripePriceId, policyId, ...options })));
}

async function readAll({ call }: TestService, path: string): Promise<any[]> {
  const found: any[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: any } = await call('GET', `${path}?limit=100${cursor && `&cursor=${cursor}`}`);
    found.push(...body.data);
    cursor = body.pagination.nextCursor;
  }
  return found;
}
