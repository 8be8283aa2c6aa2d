import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { createLogger } from '../../src/logger.ts';
import { countMessages } from '../../src/outbox.ts';
import { type Service, startService } from '../../src/service.ts';
import { type FakeStripe, startFakeStripe } from './fake-stripe/fake-stripe.ts';
import type { FakeEvent } from './fake-stripe/state.ts';

/** `npm run demo`: the life of a license, rehearsed on the test clock in half a minute on throw-away data. */

const HELP = `npm run demo

Starts Tillkey, a database of its own and a stand-in for Stripe on free ports, and rehearses on the test clock: a
purchase, its renewal, a failed payment, the end of grace, a cancellation and the end. It shows the mails as they
come and what the app hears at each step, and removes everything again.
`;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SIGNING_SECRET = 'whsec_demo';
const API_KEY = `lk_test_${'d'.repeat(32)}`;

/** `shown`: the mails that were. */
type Stage = { stripe: FakeStripe; tillkey: Service; story: { now: Date }; mailFolder: string; shown: Set<string> };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function scene({ story }: Stage, title: string): void {
  say(`\n${story.now.toISOString().slice(0, 10)}  ${title}`);
}

async function play(stage: Stage): Promise<void> {
  const { stripe } = stage;
  scene(stage, 'The vendor sets up: a product, a policy, and which Stripe price buys it.');
  const priceId = await setUp(stage);

  scene(stage, 'Jo buys a monthly subscription at Stripe Checkout.');
  const { events, subscriptionId } = stripe.buySubscription({ email: 'jo@example.com', name: 'Jo', priceId });
  await deliver(stage, events);
  const key = await keyOf(stage);
  await ask(stage, key, 'VALID');

  await goTo(stage, (await paidThrough(stage)) + HOUR_MS);
  scene(stage, 'A month later Stripe renews the subscription.');
  await deliver(stage, stripe.renew(subscriptionId));
  await ask(stage, key, 'VALID');

  await goTo(stage, (await paidThrough(stage)) + HOUR_MS);
  scene(stage, 'The next payment fails. Seven days of grace begin.');
  await deliver(stage, stripe.failRenewal(subscriptionId));
  await ask(stage, key, 'VALID');

  await pass(stage, 8);
  scene(stage, 'Grace is over: the test clock ran what fell due on its way.');
  await showMails(stage);
  await ask(stage, key, 'SUSPENDED');

  await pass(stage, 1);
  scene(stage, 'Jo pays with another card. Same key, same license.');
  await deliver(stage, stripe.retryPayment(subscriptionId, true));
  await ask(stage, key, 'VALID');

  await pass(stage, 2);
  scene(stage, 'Jo cancels, as of the end of the month that is paid.');
  await deliver(stage, stripe.scheduleCancel(subscriptionId));
  await ask(stage, key, 'VALID');

  await goTo(stage, (await paidThrough(stage)) - DAY_MS);
  scene(stage, 'The last days: Jo has been reminded, in time to come back.');
  await showMails(stage);
  await ask(stage, key, 'VALID');

  await goTo(stage, await paidThrough(stage));
  scene(stage, 'The end.');
  await deliver(stage, stripe.cancelNow(subscriptionId));
  await ask(stage, key, 'EXPIRED');
}

async function call({ tillkey }: Stage, path: string, body?: object, method = body ? 'POST' : 'GET'): Promise<any> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const response = await fetch(`${tillkey.url}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const answer: any = await response.json();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Moves the test clock; the stand-in for Stripe goes by the same time. */
async function goTo(stage: Stage, time: number): Promise<void> {
  const { now } = await call(stage, '/test-clock', { now: new Date(time) }, 'PUT');
  stage.story.now = new Date(now);
}

function pass(stage: Stage, days: number): Promise<void> {
  return goTo(stage, stage.story.now.getTime() + days * DAY_MS);
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
  await until(async () => (await call(stage, '/stripe-events?limit=100')).every(({ outcome }: any) => outcome !== null));
  const { state, reason, graceEndsAt, cancelsAt } = (await license(stage)).billing;
  const billing = [state, reason, graceEndsAt && `until ${graceEndsAt.slice(0, 10)}`, cancelsAt && `ends ${cancelsAt.slice(0, 10)}`].filter(Boolean).join(' ');
  say(`    Stripe       ${events.length === 1 ? '1 event, sent' : `${events.length} events, shuffled and each sent`} twice: still one license`);
  say(`    Tillkey      license ${(await license(stage)).status}, paid through ${new Date(await paidThrough(stage)).toISOString().slice(0, 10)}, billing ${billing}`);
  await showMails(stage);
}

async function license(stage: Stage): Promise<any> {
  const [one, ...others] = await call(stage, '/licenses');
  if (others.length > 0) throw new Error('more than one license was issued');
  return one;
}

async function paidThrough(stage: Stage): Promise<number> {
  return Date.parse((await license(stage)).billing.paidThrough);
}

/** Waits until every mail that is owed was sent, and shows those that are new. */
async function showMails({ tillkey, mailFolder, shown }: Stage): Promise<void> {
  await until(async () => (await countMessages(tillkey.dependencies.database)).pending === 0);
  const fresh = (await readdir(mailFolder)).filter((name) => name.endsWith('.eml') && !shown.has(name)).toSorted();
  for (const name of fresh) {
    shown.add(name);
    const { subject, text = '', to } = await PostalMime.parse(await readFile(join(mailFolder, name)));
    say(`    Customer     mail to ${to?.[0]?.address}: ${subject}`);
    // What every mail ends with is left out.
    const [said = ''] = text.split('Your licenses and keys:');
    for (const line of said.trim().split('\n')) say(`                   | ${line}`);
  }
}

async function keyOf(stage: Stage): Promise<string> {
  return (await license(stage)).key;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The app asks about the key, and must hear what the story says. */
async function ask(stage: Stage, key: string, expected: string): Promise<void> {
  const { code, detail } = await call(stage, '/licenses/validate-key', { key });
  say(`    App          validate-key -> ${code}: ${detail}`);
  if (code !== expected) throw new Error(`the app should have heard ${expected}`);
}

async function run(): Promise<void> {
  say('Starting Tillkey, its database and a stand-in for Stripe ...');
  const dataFolder = await mkdtemp(join(tmpdir(), 'tillkey-demo-'));
  const postgres = await startEmbeddedPostgres(dataFolder);
  const story = { now: new Date() };
  const stripe = await startFakeStripe({ now: () => story.now, webhookSecret: SIGNING_SECRET });
  const read = readConfig({
    PORT: '0', LOG_LEVEL: 'silent', TILLKEY_BOOTSTRAP_TEST_KEY: API_KEY, STRIPE_TEST_WEBHOOK_SECRETS: SIGNING_SECRET,
    STRIPE_TEST_SECRET_KEY: 'sk_test_demo', STRIPE_API_BASE: stripe.url, RATE_LIMIT_MANAGEMENT: '0', RATE_LIMIT_VALIDATE: '0',
  });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  const log = createLogger(read.config.LOG_LEVEL);
  const tillkey = await startService({ role: 'all', config: read.config, clock: systemClock, log, dataFolder, databaseUrl: postgres.url, show: () => undefined });
  try {
    await play({ stripe, tillkey, story, mailFolder: join(dataFolder, 'mail'), shown: new Set() });
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
