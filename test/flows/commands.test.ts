import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { stripeEventTypes } from '../../src/billing/core/read-stripe.ts';
import { accountsCreate } from '../../src/commands/accounts-create.ts';
import { readCall } from '../../src/commands/command.ts';
import { stripeConnect } from '../../src/commands/stripe-connect.ts';
import { stripeReconcile } from '../../src/commands/stripe-reconcile.ts';
import { stripeReplay } from '../../src/commands/stripe-replay.ts';
import type { AppError } from '../../src/errors.ts';
import { samples } from '../../src/jobs/emails/samples.ts';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { spawnTillkey } from '../support/process.ts';
import { startTestService, TEST_KEY, TEST_SECRET, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth } from '../support/webhook.ts';

/** The commands at a terminal, each a process beside a Tillkey that runs on the same database. */

const TIMEOUT_MS = 60_000;
const PUBLIC_URL = 'https://licenses.example.com';
const API_KEY = 'sk_test_123';

let stripe: FakeStripe;
let tillkey: TestService;
beforeAll(async () => {
  stripe = await startFakeStripe({ webhookSecret: TEST_SECRET });
  tillkey = await startTestService({ environment: { STRIPE_API_BASE: stripe.url, STRIPE_TEST_SECRET_KEY: API_KEY } });
});
afterAll(async () => {
  await tillkey.stop();
  await stripe.close();
});

type Ended = { code: number | null; printed: string };

const settings = () => ({ DATABASE_URL: tillkey.databaseUrl, PUBLIC_URL, STRIPE_API_BASE: stripe.url });

/** A command as a person runs it: a process of its own. */
async function run(args: string[], environment: Record<string, string> = {}, input?: string): Promise<Ended> {
  const command = spawnTillkey(args, { ...settings(), TILLKEY_SECRET: 'a secret for tests, long enough to pass', ...environment }, input);
  return { code: await command.exitCode, printed: command.printed() };
}

const commands = [stripeConnect, stripeReconcile, stripeReplay, accountsCreate];

/** The same in this process, which spares the start of one: for what a command does and says, once it is known how a process tells it. */
async function runHere([name, ...args]: string[], { DATABASE_URL: databaseUrl, ...environment }: Record<string, string> = {}): Promise<Ended> {
  const command = commands.find((candidate) => candidate.name === name)!;
  const { service, stop } = await startTestService({ role: 'migrate', databaseUrl: databaseUrl ?? tillkey.databaseUrl, environment: { ...settings(), ...environment } });
  let printed = '';
  const running = async () => command.run({ ...readCall(command, args), say: (line) => void (printed += `${line}\n`) }, service.dependencies);
  const code = await running().then(() => 0, (error: AppError) => {
    printed += `${error.message}\n`;
    return error.code === 'USAGE' ? 2 : 1;
  });
  await stop();
  return { code, printed };
}

const sdk = () => new Stripe(API_KEY, { host: '127.0.0.1', port: Number(new URL(stripe.url).port), protocol: 'http' });
const endpoints = async () => (await sdk().webhookEndpoints.list()).data;
const sorted = (types: readonly string[]) => types.toSorted();

describe('mails:preview', () => {
  test('writes every mail as HTML and text with an index of them, and needs no database and no settings', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tillkey-mails-'));
    const command = spawnTillkey(['mails:preview', '--folder', join(folder, 'new')], { PORT: 'none', DATABASE_URL: 'nowhere' });
    expect([await command.exitCode, command.printed()]).toEqual([0, expect.stringContaining('index.html')]);
    const written = await readdir(join(folder, 'new'));
    expect(written.toSorted()).toEqual([...samples.flatMap(({ name }) => [`${name}.html`, `${name}.txt`]), 'index.html'].toSorted());
    const index = await readFile(join(folder, 'new', 'index.html'), 'utf8');
    for (const { name } of samples) expect(index).toContain(`href="${name}.html"`);
    expect(index).not.toContain('<script');
    await rm(folder, { recursive: true });
  }, TIMEOUT_MS);
});

describe('the types of events', () => {
  test('are exactly those of the contract', () => {
    const contract = [
      ...['completed', 'async_payment_succeeded', 'async_payment_failed', 'expired'].map((name) => `checkout.session.${name}`),
      ...['created', 'updated', 'deleted', 'paused', 'resumed', 'pending_update_applied', 'pending_update_expired', 'trial_will_end'].map((name) => `customer.subscription.${name}`),
      ...['paid', 'payment_failed', 'payment_action_required', 'finalization_failed', 'voided', 'marked_uncollectible', 'overpaid'].map((name) => `invoice.${name}`),
      'charge.refunded', 'refund.created', 'refund.updated', 'refund.failed', 'charge.dispute.created', 'charge.dispute.updated', 'charge.dispute.closed',
      'customer.updated', 'customer.deleted', 'test_helpers.test_clock.ready',
    ];
    expect(sorted(stripeEventTypes)).toEqual(sorted(contract));
  });
});

describe('stripe:connect', () => {
  const key = { STRIPE_TEST_SECRET_KEY: API_KEY };

  test('registers the endpoint for exactly the types that are taken, and prints the line for the environment; a dry run does nothing', async () => {
    const dry = await run(['stripe:connect', '--dry-run'], key);
    expect([dry.code, await endpoints()]).toEqual([0, []]);
    expect(dry.printed).toContain(`Would register ${PUBLIC_URL}/webhooks/stripe`);

    const { code, printed } = await run(['stripe:connect', '--test'], key);
    expect([code, printed]).toEqual([0, expect.stringMatching(/^STRIPE_TEST_WEBHOOK_SECRETS=whsec_\w+$/m)]);
    const [endpoint] = await endpoints();
    expect([endpoint!.url, sorted(endpoint!.enabled_events)]).toEqual([`${PUBLIC_URL}/webhooks/stripe`, sorted(stripeEventTypes)]);
  }, TIMEOUT_MS);

  test('brings the endpoint that is there up to date, and says where its secret is', async () => {
    const url = 'https://other.example.com/webhooks/stripe';
    const { id } = await sdk().webhookEndpoints.create({ url, enabled_events: ['invoice.paid', 'invoice.created'] });
    await sdk().webhookEndpoints.update(id, { disabled: true });
    const { code, printed } = await runHere(['stripe:connect', '--url', 'https://other.example.com/'], key);
    expect([code, printed]).toEqual([0, expect.stringMatching(/-invoice\.created.*enabled again[^]*dashboard/)]);
    expect(printed).not.toContain('whsec_');
    const changed = (await endpoints()).find((endpoint) => endpoint.id === id);
    expect([changed!.status, sorted(changed!.enabled_events)]).toEqual(['enabled', sorted(stripeEventTypes)]);
    expect((await runHere(['stripe:connect', '--url', url], key)).printed).toContain('up to date');
  }, TIMEOUT_MS);

  test.each([
    ['a missing key', 2, /STRIPE_TEST_SECRET_KEY/, ['--test'], {}],
    ['a key that Stripe does not take', 1, /Stripe does not take this API key/, ['--live'], { STRIPE_LIVE_SECRET_KEY: 'sk_live_123' }],
    ['two keys and no word on which', 2, /--live or --test/, [], { ...key, STRIPE_LIVE_SECRET_KEY: 'sk_live_123' }],
    ['an address that is not https', 2, /https:\/\//, [], { ...key, PUBLIC_URL: 'http://licenses.example.com', STRIPE_API_BASE: '' }],
    ['a --url without http or https', 2, /--url: expected a URL with a host, starting with http:\/\/ or https:\/\/; got "ftp:/, ['--url', 'ftp://licenses.example.com'], key],
    ['a --url that is no URL', 2, /--url: expected a URL with a host/, ['--url', 'licenses.example.com'], key],
    ['a --url with a query', 2, /without a query or fragment/, ['--url', 'https://licenses.example.com/?a=b'], key],
    ['a --url with a fragment', 2, /without a query or fragment/, ['--url', 'https://licenses.example.com/#a'], key],
    ['no address', 2, /PUBLIC_URL/, [], { ...key, PUBLIC_URL: '' }],
    ['an unknown option', 2, /--nonsense/, ['--nonsense'], key],
  ] as const)('says plainly that it was given %s', async (_what, code, words, args, environment) => {
    expect(await runHere(['stripe:connect', ...args], environment)).toEqual({ code, printed: expect.stringMatching(words) });
  }, TIMEOUT_MS);
});

describe('stripe:replay', () => {
  test('has a running worker process again what was named; a dry run shows it and changes nothing', async () => {
    const { subscription, events } = firstMonth({ n: 700, price: 'price_700' });
    const service = await startTestService();
    for (const sent of events) await deliver(service.url, sent);
    await service.settled();
    await createCatalog(service, { stripePriceId: 'price_700' });
    const here = { DATABASE_URL: service.databaseUrl };
    const licenses = async () => (await service.call('GET', `/api/v1/licenses?stripeSubscriptionId=${subscription.id}`)).body.data.length;

    const dry = await runHere(['stripe:replay', '--outcome', 'ignored', '--object', subscription.id, '--dry-run'], here);
    expect([dry.code, dry.printed]).toEqual([0, expect.stringMatching(/ignored: No active mapping for price_700[^]*1 event would be processed again/)]);
    await service.settled();
    expect(await licenses()).toBe(0);

    const { code, printed } = await run(['stripe:replay', '--test', '--type', 'customer.subscription.created'], here);
    expect([code, printed]).toEqual([0, expect.stringMatching(/1 event will be processed again by a running worker/)]);
    await service.settled();
    expect(await licenses()).toBe(1);
    expect(await run(['stripe:replay', '--id', 'evt_none'], here)).toEqual({ code: 0, printed: 'No event matches.\n' });
    expect(await runHere(['stripe:replay', '--id', 'cs_1'], here)).toEqual({ code: 0, printed: expect.stringMatching(/^No event matches\. .*--object cs_1/) });
    expect((await runHere(['stripe:replay', '--live', '--type', 'invoice.paid'], here)).printed).toContain('No event matches');
    await service.stop();
  }, TIMEOUT_MS);

  test.each([
    ['nothing to look for', ['--test'], /at least one of/],
    ['an outcome that there is not', ['--outcome', 'lost'], /needs_attention/],
    ['a moment that is none', ['--after', 'yesterday'], /2026-01-31/],
  ])('refuses %s', async (_what, args, words) => {
    expect(await runHere(['stripe:replay', ...args])).toEqual({ code: 2, printed: expect.stringMatching(words) });
  }, TIMEOUT_MS);
});

test('stripe:reconcile fetches what is missing, and says what it found', async () => {
  const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
  await createCatalog(tillkey, { stripePriceId: priceId });
  const { subscriptionId } = stripe.buySubscription({ email: 'ada@example.com', priceId });
  const key = { STRIPE_TEST_SECRET_KEY: API_KEY };
  const first = await run(['stripe:reconcile'], key);
  expect([first.code, first.printed]).toEqual([0, expect.stringMatching(/test +\d+ events listed, [1-9]\d* were missing[^]*1 subscriptions listed/)]);
  await tillkey.settled();
  expect((await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${subscriptionId}`)).body.data).toHaveLength(1);
  expect((await runHere(['stripe:reconcile'], key)).printed).toContain('Nothing was missing.');
  expect(await runHere(['stripe:reconcile'])).toEqual({ code: 2, printed: expect.stringContaining('No Stripe key is configured') });
  const refused = await runHere(['stripe:reconcile'], { STRIPE_LIVE_SECRET_KEY: 'sk_live_123' });
  expect(refused).toEqual({ code: 1, printed: expect.stringContaining('Stripe refuses the secret key. Invalid API Key provided') });
}, TIMEOUT_MS);

describe('a further account', () => {
  let id: string;
  let apiKeys: { live: string; test: string };

  beforeAll(async () => {
    const { code, printed } = await run(['accounts:create', 'Umbrella Software']);
    expect(code).toBe(0);
    id = /has the id ([0-9a-f-]{36})/.exec(printed)![1]!;
    apiKeys = { live: /lk_live_\w+/.exec(printed)![0], test: /lk_test_\w+/.exec(printed)![0] };
  }, TIMEOUT_MS);

  const post = (path: string, secret: string, sent = event('product.created', { id: 'prod_1' })) => deliver(tillkey.url, sent, { secret, path });

  test('has an id, a live and a test side with an API key each, and a name nobody else has', async () => {
    expect((await tillkey.call('GET', '/api/v1/products', { key: apiKeys.live })).status).toBe(200);
    expect((await tillkey.call('GET', '/api/v1/products', { key: apiKeys.test })).body.data).toEqual([]);
    expect(await runHere(['accounts:create', 'umbrella  software'])).toEqual({ code: 1, printed: expect.stringContaining('already') });
    expect((await runHere(['accounts:create'])).code).toBe(2);
  }, TIMEOUT_MS);

  test('gets no events before it is connected', async () => {
    expect(await post(`/webhooks/stripe/${id}`, TEST_SECRET)).toMatchObject({ status: 503, body: { code: 'WEBHOOK_NOT_CONFIGURED' } });
  });

  test('is connected with a key from stdin, kept sealed, and a Tillkey that runs takes its events without a restart, apart from all others', async () => {
    const { service } = tillkey;
    const connected = await run(['stripe:connect', '--account', id, '--test', '--key-from-stdin'], {}, `${API_KEY}_umbrella\n`);
    expect([connected.code, connected.printed]).toEqual([0, expect.stringContaining('kept, encrypted')]);
    expect(connected.printed).not.toMatch(/whsec_|sk_test/);
    expect((await endpoints()).map(({ url }) => url)).toContain(`${PUBLIC_URL}/webhooks/stripe/${id}`);
    const [row] = await service.dependencies.database.em.fork().execute<{ all: string }[]>('select stripe_connections::text as all from stripe_connections');
    expect(row!.all).not.toContain(Buffer.from(API_KEY).toString('hex'));

    // The running service asks the database again within seconds.
    const secrets = async () => (await service.dependencies.signingSecrets(id))?.flatMap((side) => side.secrets) ?? [];
    const begun = performance.now();
    while ((await secrets()).length === 0) {
      if (performance.now() - begun > TIMEOUT_MS) throw new Error('the secret is not taken up');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [secret] = await secrets();

    const bought = firstMonth({ n: 800, price: 'price_800', email: 'zoe@example.com' });
    await createCatalog(tillkey, { stripePriceId: 'price_800', key: apiKeys.test });
    await createCatalog(tillkey, { stripePriceId: 'price_800' });
    for (const sent of bought.events) expect((await post(`/webhooks/stripe/${id}`, secret!, sent)).status).toBe(200);
    await tillkey.settled();
    const count = async (path: string, key: string) => (await tillkey.call('GET', `/api/v1${path}`, { key })).body.data.length;
    const licenses = `/licenses?userEmail=zoe@example.com`;
    expect([await count(licenses, apiKeys.test), await count(licenses, TEST_KEY), await count(licenses, apiKeys.live)]).toEqual([1, 0, 0]);
    for (const { id: eventId } of bought.events) {
      expect((await tillkey.call('GET', `/api/v1/stripe-events/${eventId}`, { key: apiKeys.test })).status).toBe(200);
      expect((await tillkey.call('GET', `/api/v1/stripe-events/${eventId}`)).status).toBe(404);
    }
    // Each secret opens its own account's address only.
    expect((await post(`/webhooks/stripe/${id}`, TEST_SECRET)).status).toBe(400);
    expect((await post('/webhooks/stripe', secret!)).status).toBe(400);
    expect((await post('/webhooks/stripe/01975d6e-3f00-7a10-8c00-000000000001', secret!)).status).toBe(404);

    // Reconciled and fetched with its own key, for its own side.
    const scope = (await service.dependencies.stripeScopes()).find(({ accountId }) => accountId === id);
    expect([scope?.mode, await service.dependencies.stripeConnections.of(scope!)]).toEqual(['test', { apiKey: `${API_KEY}_umbrella`, webhookSecrets: [secret] }]);
  }, TIMEOUT_MS);

  test('takes a key of the side that is connected only', async () => {
    const connect = (account: string, side: string, input: string) => run(['stripe:connect', '--account', account, side, '--key-from-stdin'], {}, input);
    expect(await connect(id, '--live', API_KEY)).toEqual({ code: 2, printed: expect.stringContaining('sk_live_') });
  }, TIMEOUT_MS);

  test.each([['id', () => id.toUpperCase()], ['name', () => 'umbrella SOFTWARE'], ['slug', () => 'umbrella-software']])('is found by its %s', async (_by, account) => {
    const found = await runHere(['stripe:connect', '--account', account(), '--test', '--dry-run']);
    expect(found).toEqual({ code: 0, printed: expect.stringContaining(`/webhooks/stripe/${id} is registered already`) });
  }, TIMEOUT_MS);

  test('that is not there is answered with those that are; default is the account of the settings', async () => {
    const absent = await runHere(['stripe:replay', '--account', 'nobody', '--id', 'evt_1']);
    expect(absent).toEqual({ code: 2, printed: expect.stringMatching(new RegExp(`no account nobody[^]*  Default\n[^]*${id}  Umbrella Software\n[^]*accounts:create`)) });
    const settled = await runHere(['stripe:connect', '--account', 'default', '--dry-run'], { STRIPE_TEST_SECRET_KEY: API_KEY });
    expect(settled).toEqual({ code: 0, printed: expect.stringContaining(`${PUBLIC_URL}/webhooks/stripe `) });
  }, TIMEOUT_MS);

  test('whose endpoint is there while no signing secret is kept makes the command fail', async () => {
    const made = await runHere(['accounts:create', 'Secretless']);
    const secretless = /has the id ([0-9a-f-]{36})/.exec(made.printed)![1]!;
    await sdk().webhookEndpoints.create({ url: `${PUBLIC_URL}/webhooks/stripe/${secretless}`, enabled_events: ['invoice.paid'] });
    const { code, printed } = await run(['stripe:connect', '--account', secretless, '--test', '--key-from-stdin'], {}, API_KEY);
    expect([code, printed]).toEqual([1, expect.stringContaining('remove the endpoint in the dashboard')]);
  }, TIMEOUT_MS);
});

test.each(['keys:rotate', 'accounts:create', 'stripe:connect', 'stripe:reconcile', 'stripe:replay'])('%s --help tells what it does, and does nothing', async (name) => {
  const { code, printed } = await run([name, '--help'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  expect([code, printed]).toEqual([0, expect.stringContaining(`npm run ${name}`)]);
}, TIMEOUT_MS);
