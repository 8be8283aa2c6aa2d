import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeliveryOptions } from '../support/fake-stripe/deliver.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { type Shape, shapes } from '../support/fake-stripe/shape.ts';
import type { FakeEvent } from '../support/fake-stripe/state.ts';
import { startTestService, type TestService, testClock, TEST_SECRET } from '../support/service.ts';
import { stories as all } from '../support/stories/all-stories.ts';
import { standing } from '../support/stories/standing.ts';
import { dayOf, happensIn, JUDGED_ON, type MappingOptions, openShop, type Shop, type Story, tellStory, unmapped } from '../support/stories/story.ts';

/**
 * All stories, told in one world, their events delivered to a whole service over signed webhooks, in one order and another. What a
 * story comes to is what the contract says, and the same in both: licenses, customers, mails and the outcome of every event.
 * (`test/billing/orders.test.ts` tells each story in many more orders, to the core alone.)
 */

const chaos: DeliveryOptions = { shuffle: true, seed: Number(process.env['SEED'] ?? 1), duplicate: 2, concurrency: 6 };

const worlds: { shape: Shape; withKey: boolean; order: string; how: DeliveryOptions; workers: number }[] = [
  { shape: '2020-08-27', withKey: false, order: 'backwards', how: { reverse: true, concurrency: 3 }, workers: 1 },
  { shape: 'acacia', withKey: true, order: `shuffled by seed ${chaos.seed}, twice each, six at once, to two workers`, how: chaos, workers: 2 },
  { shape: 'basil', withKey: true, order: 'backwards', how: { reverse: true, concurrency: 3 }, workers: 1 },
  { shape: 'endive', withKey: false, order: `shuffled by seed ${chaos.seed}, twice each, six at once, to two workers`, how: chaos, workers: 2 },
];

describe.each(worlds)('in $shape payloads, with a Stripe key: $withKey, in order and $order', ({ shape, withKey, how, workers }) => {
  let stripe: FakeStripe;
  let day = 0;
  let told: Told[];
  let inOrder: Map<string, Come>;
  let otherwise: Map<string, Come>;
  const clock = { now: () => dayOf(day) };

  beforeAll(async () => {
    stripe = await startFakeStripe({ shape, now: clock.now, webhookSecret: TEST_SECRET, seed: 11 });
    told = tellAll(stripe, shape, (next) => (day = next));
    const key = withKey ? { STRIPE_TEST_SECRET_KEY: 'sk_test_fake', STRIPE_API_BASE: stripe.url } : {};
    inOrder = await come(stripe, told, { key, how: { concurrency: 3 }, workers: 1 });
    otherwise = await come(stripe, told, { key, how, workers });
  }, 240_000);
  afterAll(() => stripe.close());

  test.each(all.filter((story) => happensIn(shape, story)))('$title', ({ title, ends, mails, needsKey }) => {
    const [one, other] = [inOrder.get(title)!, otherwise.get(title)!];
    expect(Object.values(one.outcomes)).not.toContain('failed');
    if (withKey || suffices(shape, needsKey)) {
      expect(one.licenses).toEqual(ends.toSorted());
      if (mails !== undefined) expect(one.mails).toBe(mails);
    } else if (ends.length > 0) expect(Object.values(one.outcomes)).toContain('needs_attention');
    expect(other).toEqual(mails === undefined ? { ...one, mails: other.mails } : one);
  });

  test('nobody is mailed a key twice', () => {
    for (const { keysMailedTwice } of [...inOrder.values(), ...otherwise.values()]) expect(keysMailedTwice).toEqual([]);
  });
});

/** Whether the events alone say enough. */
function suffices(shape: Shape, needsKey: Story['needsKey']): boolean {
  return needsKey === undefined || (needsKey === 'payments' && shapes.indexOf(shape) <= shapes.indexOf('acacia'));
}

type Told = { story: Story; email: string; shop: Shop; events: FakeEvent[] };

/** Stories with the same mapping options share a shop. */
function tellAll(stripe: FakeStripe, shape: Shape, on: (day: number) => void): Told[] {
  const shops = new Map<string, Shop>();
  return all.filter((story) => happensIn(shape, story)).map((story, n) => {
    const options = JSON.stringify(story.mapping ?? {});
    const shop = shops.get(options) ?? openShop(stripe);
    shops.set(options, shop);
    const email = `buyer-${n}@buyer.example`;
    return { story, email, shop, events: tellStory(story, { stripe, shop, email, on }) };
  });
}

type Come = { licenses: string[]; customers: number; mails: number; outcomes: Record<string, string>; keysMailedTwice: string[] };

/** Delivers everything to a new Tillkey, and reads what each story came to. */
async function come(stripe: FakeStripe, told: Told[], { key, how, workers }: { key: Record<string, string>; how: DeliveryOptions; workers: number }): Promise<Map<string, Come>> {
  const clock = testClock(dayOf(JUDGED_ON));
  const choice = { clock, environment: key, patience: { most: 1_000 } };
  const tillkey = await startTestService({ ...choice, role: 'web' });
  const running = await Promise.all(Array.from({ length: workers }, () => startTestService({ ...choice, role: 'worker', databaseUrl: tillkey.databaseUrl })));
  try {
    for (const [shop, options] of new Map(told.map(({ shop, story }) => [shop, story.mapping ?? {}]))) await openCatalog(tillkey, shop, options);
    const answers = await stripe.deliver(told.flatMap(({ events }) => events), { url: `${tillkey.url}/webhooks/stripe` }, how);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await tillkey.settled();
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
        mails: received.length,
        outcomes: Object.fromEntries(own.map(({ id, type }, n) => [`${n} ${type}`, outcomes.get(id)])),
        keysMailedTwice: theirs.filter((license) => received.filter(({ text }) => text?.includes(license.key)).length !== 1).map((license) => license.id),
      }];
    }));
  } finally {
    await Promise.all(running.map((worker) => worker.stop()));
    await tillkey.stop();
  }
}

/** A policy, and a mapping to it of each price that is for sale here. */
async function openCatalog({ call }: TestService, shop: Shop, { policy = {}, ...options }: MappingOptions): Promise<void> {
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
