import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { readConfig } from '../../src/config.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { createLogger } from '../../src/logger.ts';
import { type Service, startService } from '../../src/service.ts';
import { type FakeStripe, startFakeStripe } from './fake-stripe/fake-stripe.ts';
import type { FakeEvent } from './fake-stripe/state.ts';

/** `npm run demo`: a year in the life of a license, told in half a minute on throw-away data. */

const HELP = `npm run demo

Starts Tillkey, a database of its own and a stand-in for Stripe on free ports, plays a purchase, its renewal, a failed
payment and a cancellation, shows what the customer and the app see at each step, and removes everything again.
`;

const DAY_MS = 86_400_000;
const SIGNING_SECRET = 'whsec_demo';
const API_KEY = `lk_test_${'d'.repeat(32)}`;

type Clock = { now(): Date; pass(days: number): void };
type Stage = { stripe: FakeStripe; tillkey: Service; clock: Clock; mailFolder: string };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function scene(clock: Clock, title: string): void {
  say(`\n${clock.now().toISOString().slice(0, 10)}  ${title}`);
}

async function play(stage: Stage): Promise<void> {
  const { stripe, clock } = stage;
  scene(clock, 'The vendor sets up: a product, a policy, and which Stripe price buys it.');
  const priceId = await setUp(stage);

  scene(clock, 'Jo buys a monthly subscription at Stripe Checkout.');
  const { events, subscriptionId } = stripe.buySubscription({ email: 'jo@example.com', name: 'Jo', priceId });
  await deliver(stage, events);
  const key = await showMail(stage);
  await ask(stage, key, 'VALID');

  clock.pass(31);
  scene(clock, 'A month later Stripe renews the subscription.');
  await deliver(stage, stripe.renew(subscriptionId));
  await ask(stage, key, 'VALID');

  clock.pass(28);
  scene(clock, 'The next payment fails. Seven days of grace begin.');
  await deliver(stage, stripe.failRenewal(subscriptionId));
  await ask(stage, key, 'VALID');

  clock.pass(8);
  scene(clock, 'Grace is over. Nobody had to run a job for that.');
  await ask(stage, key, 'SUSPENDED');

  clock.pass(1);
  scene(clock, 'Jo pays with another card. Same key, same license.');
  await deliver(stage, stripe.retryPayment(subscriptionId, true));
  await ask(stage, key, 'VALID');

  clock.pass(10);
  scene(clock, 'Jo cancels at once.');
  await deliver(stage, stripe.cancelNow(subscriptionId));
  await ask(stage, key, 'EXPIRED');
}

async function call({ tillkey }: Stage, path: string, body?: object): Promise<any> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const response = await fetch(`${tillkey.url}/api/v1${path}`, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  const answer: any = await response.json();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer.data;
}

async function setUp(stage: Stage): Promise<string> {
  const { priceId } = stage.stripe.createProductAndPrice({ productName: 'Acme Editor', recurring: 'month', unitAmount: 1900 });
  const product = await call(stage, '/products', { name: 'Acme Editor', code: 'ACME' });
  const policy = await call(stage, '/policies', { productId: product.id, name: 'Pro', template: 'saas' });
  await call(stage, '/stripe-mappings', { stripePriceId: priceId, policyId: policy.id, gracePeriodDays: 7 });
  say(`    ${priceId} -> policy "Pro" of Acme Editor, keys ACME-XXXX-XXXX-XXXX-XXXX`);
  return priceId;
}

/** Delivers events the way a bad day does: shuffled, each one twice. */
async function deliver(stage: Stage, events: FakeEvent[]): Promise<void> {
  const answers = await stage.stripe.deliver(events, { url: `${stage.tillkey.url}/webhooks/stripe` }, { shuffle: true, duplicate: 2, concurrency: 4 });
  if (answers.some(({ status }) => status !== 200)) throw new Error(`a delivery was refused: ${JSON.stringify(answers)}`);
  const undone = async () => (await call(stage, '/stripe-events?limit=100')).filter(({ outcome }: any) => outcome === null);
  while ((await undone()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [license, ...others] = await call(stage, '/licenses');
  if (others.length > 0) throw new Error('more than one license was issued');
  const { state, reason, graceEndsAt } = license.billing;
  const billing = [state, reason, graceEndsAt && `until ${graceEndsAt.slice(0, 10)}`].filter(Boolean).join(' ');
  say(`    Stripe       ${events.length} events, shuffled and each sent twice: still one license`);
  say(`    Tillkey      license ${license.status}, paid through ${license.billing.paidThrough.slice(0, 10)}, billing ${billing}`);
}

/** Waits for the one mail and shows it; returns the key in it. */
async function showMail({ mailFolder }: Stage): Promise<string> {
  const mails = async () => (await readdir(mailFolder).catch(() => [])).filter((name) => name.endsWith('.eml'));
  while ((await mails()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [name = ''] = await mails();
  const { subject = '', text = '', to } = await PostalMime.parse(await readFile(join(mailFolder, name)));
  say(`    Customer     mail to ${to?.[0]?.address}: ${subject}`);
  for (const line of text.trim().split('\n')) say(`                   | ${line}`);
  return /ACME(-[0-9A-Z]{4}){4}/.exec(text)?.[0] ?? '';
}

/** The app asks about the key, and must hear what the story says. */
async function ask(stage: Stage, key: string, expected: string): Promise<void> {
  const { code, detail } = await call(stage, '/licenses/validate-key', { key });
  say(`    App          validate-key -> ${code}: ${detail}`);
  if (code !== expected) throw new Error(`the app should have heard ${expected}`);
}

/** A clock that only the story moves. */
function storyClock(): Clock {
  let now = new Date('2026-01-10T09:00:00Z');
  return {
    now: () => now,
    pass: (days) => {
      now = new Date(now.getTime() + days * DAY_MS);
    },
  };
}

async function run(): Promise<void> {
  say('Starting Tillkey, its database and a stand-in for Stripe ...');
  const dataFolder = await mkdtemp(join(tmpdir(), 'tillkey-demo-'));
  const clock = storyClock();
  const postgres = await startEmbeddedPostgres(dataFolder);
  const stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: SIGNING_SECRET });
  const read = readConfig({
    PORT: '0', LOG_LEVEL: 'silent', TILLKEY_BOOTSTRAP_TEST_KEY: API_KEY, STRIPE_TEST_WEBHOOK_SECRETS: SIGNING_SECRET,
    STRIPE_TEST_SECRET_KEY: 'sk_test_demo', STRIPE_API_BASE: stripe.url, RATE_LIMIT_MANAGEMENT: '0',
  });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  const log = createLogger(read.config.LOG_LEVEL);
  const tillkey = await startService({ role: 'all', config: read.config, clock, log, dataFolder, databaseUrl: postgres.url, show: () => undefined });
  try {
    await play({ stripe, tillkey, clock, mailFolder: join(dataFolder, 'mail') });
    say('\nThat is the whole story. Start your own with: npm start');
  } finally {
    await tillkey.stop();
    await stripe.close();
    await postgres.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

if (process.argv.includes('--help')) say(HELP);
else await run();
