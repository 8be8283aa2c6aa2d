import { sweep } from '../../src/jobs/sweep.ts';
import { createStripeReader } from '../../src/stripe.ts';
import type { Patience } from '../../src/stripe-client.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { createCatalog } from './catalog.ts';
import { type FakeStripe, startFakeStripe } from './fake-stripe/fake-stripe.ts';
import { layLine, type Line } from './line.ts';
import { startTestService, testClock, TEST_SECRET, type TestClock, type TestService } from './service.ts';
import { until } from './until.ts';

/** Tillkey, the stand-in for Stripe, and a line between them that can fail. */
export type BehindLine = {
  tillkey: TestService;
  stripe: FakeStripe;
  line: Line;
  clock: TestClock;
  /** A price that buys a license. */
  priceId: string;
  /** Sweeps, and lets minutes pass, until no event and no message is left to do. */
  sweptAndSettled(): Promise<void>;
  stop(): Promise<void>;
};

/** In a hurry, so that no test waits: it neither retries at once nor rests for long. */
export const HURRY: Patience = { most: 20, perMs: 50, timeoutMs: 250, restMs: 20, retries: 0 };

/** `often`: how often the sweep runs, and the schedule is told to the queue again; else as in life. */
type Choice = Parameters<typeof startTestService>[0] & { patience?: Patience; often?: { sweepMs: number; remindMs: number } };

export async function startBehindLine({ patience = HURRY, clock = testClock(), often, ...choice }: Choice = {}): Promise<BehindLine> {
  const stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
  const line = await layLine(stripe.url);
  const tillkey = await startTestService({ ...choice, role: 'web', clock });
  const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
  await createCatalog(tillkey, { stripePriceId: priceId });
  const { dependencies } = tillkey.service;
  const reader = createStripeReader('sk_test_123', line.url, dependencies.log, patience);
  const hurry = often && { scheduled: [{ name: 'sweep', everyMs: often.sweepMs, run: () => sweep(dependencies) }], remindMs: often.remindMs };
  const worker: RunningWorker = await startWorker({ ...dependencies, stripeOf: async () => reader }, hurry);
  return {
    tillkey, stripe, line, clock, priceId,
    sweptAndSettled: async () => {
      let asked = 0;
      await until(async () => {
        // Now and then only: what is due is queued again, whether or not it still stands in the queue.
        if (asked % 25 === 0) clock.set(new Date(clock.now().getTime() + 60_000));
        asked += 1;
        await sweep(dependencies);
        return !(await isAnythingUndone(tillkey));
      });
    },
    stop: async () => {
      await worker.stop();
      line.fail(null);
      await tillkey.stop();
      await line.close();
      await stripe.close();
    },
  };
}

async function isAnythingUndone({ service }: TestService): Promise<boolean> {
  const undone = 'select 1 from stripe_events where due_at is not null union all select 1 from messages where due_at is not null limit 1';
  return (await service.dependencies.database.em.fork().execute<unknown[]>(undone)).length > 0;
}
