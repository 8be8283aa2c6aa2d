import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type BehindLine, startBehindLine } from '../support/behind-line.ts';
import { cameTo, oneEach } from '../support/came-to.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, startRedisServer } from '../support/redis.ts';
import { backends } from '../support/service.ts';

let folder: string;
let redis: RedisServer | null;
let shop: BehindLine | undefined;
afterEach(async () => {
  await shop?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

const onRedis = backends().includes('redis') ? test : test.skip;

onRedis('a Redis that vanishes in the middle and comes back empty: every webhook is taken meanwhile, and the schedule brings everything back by itself', async () => {
  folder = await mkdtemp(join(tmpdir(), 'tillkey-redis-'));
  const port = await freePort();
  redis = await startRedisServer(folder, port);
  const environment = { REDIS_URL: `redis://127.0.0.1:${port}` };
  shop = await startBehindLine({ environment, often: { remindMs: 200, sweepMs: 100 } });
  const { stripe, tillkey, line, priceId, clock } = shop;
  const buyers = Array.from({ length: 6 }, (_, n) => `redis-${n}@example.com`);
  const bought = buyers.map((email) => stripe.buySubscription({ email, priceId }).events.filter(({ type }) => /^(checkout|customer\.subscription|invoice\.paid)/.test(type)));
  const deliver = async (purchases: typeof bought) => {
    const answers = await stripe.deliver(purchases.flat(), { url: `${tillkey.url}/webhooks/stripe` }, { shuffle: true, concurrency: 8 });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  };
  // Stripe falls silent, so that work is queued and under way when Redis goes.
  line.fail('silence');
  await deliver(bought.slice(0, 3));
  await redis?.stop();
  // Readiness does not need the queues, and the rest is told without them.
  expect(await tillkey.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready', queues: null } });
  const page = await (await fetch(`${tillkey.url}/metrics`)).text();
  expect([page.includes('tillkey_messages{'), page.includes('tillkey_queue_depth{')]).toEqual([true, false]);
  line.fail(null);
  await deliver(bought.slice(3));
  redis = await startRedisServer(folder, port);
  // Whatever was leased or put off meanwhile is due by now.
  clock.set(new Date(clock.now().getTime() + 120_000));
  await tillkey.settled();
  expect(await cameTo(tillkey)).toEqual(oneEach(buyers));
});
