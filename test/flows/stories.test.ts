import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import type { FakeEvent } from '../support/fake-stripe/state.ts';
import { startTestService, type TestService, testClock, TEST_SECRET } from '../support/service.ts';
import { standing } from '../support/stories/standing.ts';
import { START } from '../support/stories/story.ts';

const DAY_MS = 86_400_000;
type Buyer = { email: string; priceId: string };
type Told = { stripe: FakeStripe; buyer: Buyer; wait: (days: number) => void };
/** `ends`: each license as `standing` puts it. `oneTime`: its line items take a Stripe key to know. */
type Story = { title: string; ends: string[]; oneTime?: true; tell: (told: Told) => FakeEvent[] };

/** What can happen to a purchase, each as Stripe tells it. */
const stories: Story[] = [
  { title: 'bought', ends: ['active ACTIVE until day 31'], tell: ({ stripe, buyer }) => stripe.buySubscription(buyer).events },
  { title: 'bought five times over', ends: Array<string>(5).fill('active ACTIVE until day 31'), tell: ({ stripe, buyer }) => stripe.buySubscription({ ...buyer, quantity: 5 }).events },
  { title: 'bought once, for good', ends: ['active ACTIVE for good', 'active ACTIVE for good'], oneTime: true, tell: ({ stripe, buyer }) => stripe.buyOnce({ ...buyer, quantity: 2, guest: true }).events },
  { title: 'bought once, and paid a day later', ends: ['active ACTIVE for good'], oneTime: true, tell: ({ stripe, buyer, wait }) => {
    const { events, sessionId } = stripe.buyOnce({ ...buyer, paid: false });
    wait(1);
    return [...events, ...stripe.settleAsyncPayment(sessionId, true)];
  } },
  { title: 'bought once, and never paid', ends: [], oneTime: true, tell: ({ stripe, buyer, wait }) => {
    const { events, sessionId } = stripe.buyOnce({ ...buyer, paid: false });
    wait(1);
    return [...events, ...stripe.settleAsyncPayment(sessionId, false)];
  } },
  { title: 'tried, then paid', ends: ['active ACTIVE until day 45'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription({ ...buyer, trialDays: 14 });
    wait(14);
    return [...events, ...stripe.endTrial(subscriptionId)];
  } },
  { title: 'renewed twice', ends: ['active ACTIVE until day 90'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription(buyer);
    wait(31);
    const first = stripe.renew(subscriptionId);
    wait(31);
    return [...events, ...first, ...stripe.renew(subscriptionId)];
  } },
  { title: 'not paid at renewal', ends: ['active GRACE PAYMENT_FAILED until day 31, grace until day 38'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription(buyer);
    wait(31);
    return [...events, ...stripe.failRenewal(subscriptionId)];
  } },
  { title: 'not paid at renewal, then paid', ends: ['active ACTIVE until day 59'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription(buyer);
    wait(31);
    const failed = stripe.failRenewal(subscriptionId);
    wait(3);
    const again = stripe.retryPayment(subscriptionId, false);
    wait(1);
    return [...events, ...failed, ...again, ...stripe.retryPayment(subscriptionId, true)];
  } },
  { title: 'to be canceled at its end', ends: ['active ACTIVE until day 31, canceled on day 31'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription(buyer);
    wait(3);
    return [...events, ...stripe.scheduleCancel(subscriptionId)];
  } },
  { title: 'canceled', ends: ['expired ENDED CANCELED until day 3'], tell: ({ stripe, buyer, wait }) => {
    const { events, subscriptionId } = stripe.buySubscription(buyer);
    wait(3);
    return [...events, ...stripe.cancelNow(subscriptionId)];
  } },
];

type Outcome = { licenses: string[]; events: Record<string, string> };

type Delivered = { shuffle?: boolean; seed?: number; duplicate?: number; concurrency?: number };

const orders: Delivered[] = [
  {},
  { shuffle: true, seed: 1 },
  { shuffle: true, seed: 2, duplicate: 3, concurrency: 6 },
];

describe.each([['basil', true], ['basil', false], ['acacia', true], ['acacia', false]] as const)('in %s payloads, with a Stripe key: %s,', (shape, withKey) => {
  let clock: ReturnType<typeof testClock>;
  let stripe: FakeStripe;
  let tillkey: TestService;
  let priceId: string;

  beforeAll(async () => {
    clock = testClock(START);
    stripe = await startFakeStripe({ shape, now: () => clock.now(), webhookSecret: TEST_SECRET });
    const key = { STRIPE_TEST_SECRET_KEY: 'sk_test_fake', STRIPE_API_BASE: stripe.url };
    tillkey = await startTestService({ clock, environment: withKey ? key : {} });
    ({ priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 }));
    await createCatalog(tillkey, { stripePriceId: priceId });
  });
  afterAll(async () => {
    await tillkey.stop();
    await stripe.close();
  });

  /** Tells a story to a new buyer, delivers it, and reads what it came to. */
  async function come(tell: Story['tell'], delivered: Delivered): Promise<Outcome> {
    clock.set(START);
    const email = `buyer-${crypto.randomUUID()}@example.com`;
    const events = tell({ stripe, buyer: { email, priceId }, wait: (days) => clock.set(new Date(clock.now().getTime() + days * DAY_MS)) });
    const answers = await stripe.deliver(events, { url: `${tillkey.url}/webhooks/stripe` }, delivered);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await tillkey.settled();
    const licenses = (await tillkey.call('GET', `/api/v1/licenses?userEmail=${encodeURIComponent(email)}`)).body.data;
    const mails = (await tillkey.mails()).filter(({ to }) => to?.[0]?.address === email);
    const outcomes = await Promise.all(events.map(async ({ id }, n) => {
      const { outcome, type } = (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;
      return [`${n} ${type}`, outcome];
    }));
    for (const license of licenses) expect(mails.filter(({ text }) => text?.includes(license.key))).toHaveLength(1);
    return { licenses: licenses.map((license: any) => standing(license)), events: Object.fromEntries(outcomes) };
  }

  test.each(stories)('a license that was $title is the same in every order of its events', async ({ tell, ends, oneTime }) => {
    const [inOrder = {}, ...others] = orders;
    const expected = await come(tell, inOrder);
    const waits = oneTime === true && !withKey && ends.length > 0;
    expect(expected.licenses).toEqual(waits ? [] : ends);
    expect(Object.values(expected.events).includes('needs_attention')).toBe(waits);
    expect(Object.values(expected.events)).not.toContain('failed');
    for (const delivered of others) expect({ delivered, ...(await come(tell, delivered)) }).toEqual({ delivered, ...expected });
  });
});
