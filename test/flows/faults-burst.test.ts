import { afterEach, expect, test } from '@jest/globals';
import { type BehindLine, HURRY, startBehindLine } from '../support/behind-line.ts';
import { cameTo, oneEach } from '../support/came-to.ts';
import { createCatalog } from '../support/catalog.ts';

let shop: BehindLine;
afterEach(() => shop.stop());

/** A second, in a hurry. */
const SECOND_MS = 150;

test('a thousand events at once are all taken before Stripe answers anything, asked about at its pace, and end as one license and one mail each', async () => {
  shop = await startBehindLine({ patience: { ...HURRY, perMs: SECOND_MS, timeoutMs: 20_000 } });
  const { stripe, tillkey, line, priceId } = shop;
  const buyers = Array.from({ length: 100 }, (_, n) => `burst-${n}@example.com`);
  const { priceId: penId } = stripe.createProductAndPrice({ productName: 'Pen', unitAmount: 100 });
  await createCatalog(tillkey, { stripePriceId: penId });
  const bought = buyers.flatMap((email, n) => (n % 10 === 0 ? stripe.buySubscription({ email, priceId }) : stripe.buyOnce({ email, priceId: penId })).events);
  const events = Array(1_000).fill(null).map((_, n) => bought[n % bought.length]!);
  expect(new Set(events).size).toBe(bought.length);

  line.fail('silence');
  const answers = await stripe.deliver(events, { url: `${tillkey.url}/webhooks/stripe` }, { shuffle: true, concurrency: 16 });
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(line.answered()).toBe(0);

  line.fail(null);
  await tillkey.settled(120_000);
  expect(await cameTo(tillkey)).toEqual(oneEach(buyers));
  // Timers may be a millisecond early.
  const most = Math.max(...line.asked.map((start, n) => line.asked.slice(n, n + 100).filter((time) => time < start + SECOND_MS - 2).length));
  expect(most).toBeLessThanOrEqual(20);
}, 180_000);
