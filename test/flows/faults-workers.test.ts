import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cameTo, oneEach } from '../support/came-to.ts';
import { createCatalog } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { layLine, type Line } from '../support/line.ts';
import { catchMail, type MailCatcher } from '../support/mail-catcher.ts';
import { spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { createRedisDatabase } from '../support/redis.ts';
import { backends, startTestService, TEST_KEY, TEST_SECRET, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 60_000;

let database: Awaited<ReturnType<typeof createDatabase>>;
let folder: string;
let stripe: FakeStripe;
let line: Line;
let mail: MailCatcher;
let web: TestService;
let workers: TillkeyProcess[];

beforeEach(async () => {
  [database, folder, stripe, mail, workers] = [await createDatabase(), await mkdtemp(join(tmpdir(), 'tillkey-workers-')), await startFakeStripe({ webhookSecret: TEST_SECRET }), await catchMail(), []];
  line = await layLine(stripe.url);
});
afterEach(async () => {
  for (const worker of workers) await worker.end('SIGKILL');
  await web.stop();
  await line.close();
  await stripe.close();
  await mail.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(backends())('two workers with the queues in %s,', (backend) => {
  test('one after the other killed with work in hand, between them issue and mail every purchase once', async () => {
    const shared: Record<string, string> = { TILLKEY_SECRET: 'a secret for tests, long enough to pass', STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET, ...(backend === 'redis' && { REDIS_URL: await createRedisDatabase() }) };
    web = await startTestService({ role: 'web', databaseUrl: database.url, environment: shared });
    const startWorker = async () => {
      const worker = spawnTillkey(['worker'], {
        ...shared, DATABASE_URL: database.url, TILLKEY_DATA_DIR: folder, TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY, SMTP_URL: mail.url,
        STRIPE_API_BASE: line.url, STRIPE_TEST_SECRET_KEY: 'sk_test_123',
      });
      workers.push(worker);
      await worker.prints(/\n/);
      return worker;
    };
    const running = await Promise.all([startWorker(), startWorker()]);
    const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
    await createCatalog(web, { stripePriceId: priceId });
    const buyers = Array.from({ length: 12 }, (_, n) => `${backend}-${n}@example.com`);
    for (let round = 0; round < 3; round += 1) {
      // Work in hand: the line is silent until both have asked, and one is killed while it waits for an answer or applies it.
      if (round % 2 === 0) line.fail('silence');
      const asked = line.asked.length;
      const events = buyers.slice(round * 4, round * 4 + 4).flatMap((email) => stripe.buySubscription({ email, priceId }).events);
      const answers = await stripe.deliver(events, { url: `${web.url}/webhooks/stripe` }, { shuffle: true, duplicate: 2, concurrency: 8 });
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      await until(() => line.asked.length >= asked + 4);
      await running[round % 2]?.end('SIGKILL');
      line.fail(null);
      running[round % 2] = await startWorker();
    }
    await web.settled();
    expect(await cameTo(web, mail.mails)).toEqual(oneEach(buyers));
  }, TIMEOUT_MS);
});
