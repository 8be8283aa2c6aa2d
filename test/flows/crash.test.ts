import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { catchMail, type MailCatcher } from '../support/mail-catcher.ts';
import { addressOf, spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { createRedisDatabase } from '../support/redis.ts';
import { backends, callAt, TEST_KEY, TEST_SECRET } from '../support/service.ts';
import { until } from '../support/until.ts';
import { deliver, firstMonth } from '../support/webhook.ts';

const TIMEOUT_MS = 60_000;

let database: Awaited<ReturnType<typeof createDatabase>>;
let folder: string;
let processes: TillkeyProcess[];
let catchers: MailCatcher[];

beforeEach(async () => {
  [database, folder, processes, catchers] = [await createDatabase(), await mkdtemp(join(tmpdir(), 'tillkey-crash-')), [], []];
});
afterEach(async () => {
  for (const tillkey of processes) await tillkey.end('SIGKILL');
  for (const catcher of catchers) await catcher.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

type Run = { role?: string; mail?: MailCatcher; environment: Record<string, string> };

async function start({ role = 'all', mail, environment }: Run): Promise<{ tillkey: TillkeyProcess; url: string }> {
  const tillkey = spawnTillkey([role], {
    DATABASE_URL: database.url, TILLKEY_DATA_DIR: folder, TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY, STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET,
    RATE_LIMIT_MANAGEMENT: '0', RATE_LIMIT_OTHER: '0', ...(mail && { SMTP_URL: mail.url }), ...environment,
  });
  processes.push(tillkey);
  return { tillkey, url: await addressOf(tillkey) };
}

async function catcher(...options: Parameters<typeof catchMail>): Promise<MailCatcher> {
  const made = await catchMail(...options);
  catchers.push(made);
  return made;
}

/** Buys once, as Stripe tells it, every event twice. */
async function buy(url: string, n = 1): Promise<void> {
  for (const sent of firstMonth({ n, email: `buyer-${n}@example.com` }).events) {
    for (let times = 0; times < 2; times += 1) expect((await deliver(url, sent)).status).toBe(200);
  }
}

async function licensesAt(url: string): Promise<any[]> {
  return (await callAt(url)('GET', '/api/v1/licenses?limit=100')).body.data;
}

/** Everything the inbox holds is done. */
async function allApplied(url: string): Promise<void> {
  const events = async () => (await callAt(url)('GET', '/api/v1/stripe-events?limit=100')).body.data;
  await until(async () => (await events()).every(({ outcome }: { outcome: string | null }) => outcome !== null));
}

describe.each(backends())('killed, with the queues in %s,', (backend) => {
  let environment: Record<string, string>;
  beforeEach(async () => {
    environment = backend === 'redis' ? { REDIS_URL: await createRedisDatabase() } : {};
  });

  test('after the inbox insert: a restart issues and mails once', async () => {
    const web = await start({ role: 'web', environment });
    await createCatalog({ call: callAt(web.url) });
    await buy(web.url);
    await web.tillkey.end('SIGKILL');

    const mail = await catcher();
    const again = await start({ mail, environment });
    await mail.reached;
    await allApplied(again.url);
    expect(await licensesAt(again.url)).toHaveLength(1);
    expect(mail.mails).toHaveLength(1);
  }, TIMEOUT_MS);

  test('after the commit, before the send: a restart mails the key that was issued, once', async () => {
    const silent = await catcher({ silent: 'before' });
    const first = await start({ mail: silent, environment });
    await createCatalog({ call: callAt(first.url) });
    await buy(first.url);
    await silent.reached;
    const [issued] = await licensesAt(first.url);
    await first.tillkey.end('SIGKILL');

    const mail = await catcher();
    const again = await start({ mail, environment });
    await mail.reached;
    await allApplied(again.url);
    expect(await licensesAt(again.url)).toMatchObject([{ id: issued.id, key: issued.key }]);
    expect(mail.mails).toHaveLength(1);
    expect(mail.mails[0]?.text).toContain(issued.key);
  }, TIMEOUT_MS);

  test('after the send, before it was marked: the mail is repeated under the same Message-ID, and no license with it', async () => {
    const silent = await catcher({ silent: 'after' });
    const first = await start({ mail: silent, environment });
    await createCatalog({ call: callAt(first.url) });
    await buy(first.url);
    await silent.reached;
    await first.tillkey.end('SIGKILL');

    const mail = await catcher();
    const again = await start({ mail, environment });
    await mail.reached;
    await allApplied(again.url);
    expect(await licensesAt(again.url)).toHaveLength(1);
    expect(mail.mails.map(({ messageId }) => messageId)).toEqual(silent.mails.map(({ messageId }) => messageId));
  }, TIMEOUT_MS);

  test('again and again in the middle of it all: each purchase ends as one license and one mail', async () => {
    const mail = await catcher();
    let current = await start({ mail, environment });
    await createCatalog({ call: callAt(current.url) });
    const purchases = 6;
    for (let n = 0; n < purchases; n += 1) {
      await buy(current.url, n);
      // Another moment of the work each time: from before the first job to after the last mail.
      for (let turns = 0; turns < n * 400; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      await current.tillkey.end('SIGKILL');
      current = await start({ mail, environment });
    }
    await allApplied(current.url);
    const licenses = await licensesAt(current.url);
    expect(licenses.map(({ userEmail }) => userEmail).sort()).toEqual(Array.from({ length: purchases }, (_, n) => `buyer-${n}@example.com`));
    const ids = () => new Set(mail.mails.map(({ messageId }) => messageId));
    await until(() => ids().size >= purchases);
    expect(await current.tillkey.end('SIGTERM')).toBe(0);
    expect(ids().size).toBe(purchases);
  }, TIMEOUT_MS);
});
