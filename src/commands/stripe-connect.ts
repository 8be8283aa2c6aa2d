import { text } from 'node:stream/consumers';
import { keylessCodes } from '../billing/core/outcome.ts';
import { stripeEventTypes } from '../billing/core/read-stripe.ts';
import type { Clock } from '../clock.ts';
import { type Config, descriptionOf } from '../config.ts';
import { settings } from '../settings.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { AppError } from '../errors.ts';
import { reopenWaiting } from '../inbox.ts';
import type { StripeConnections } from '../stripe-connections.ts';
import type { Endpoint, StripeEndpoints } from '../stripe-endpoints.ts';
import { chooseScopes } from './choose-scopes.ts';
import { type Call, type Command, misused } from './command.ts';

type Needs = {
  config: Pick<Config, 'PUBLIC_URL' | 'STRIPE_API_BASE'>;
  database: Database;
  clock: Clock;
  scopes: Scope[];
  stripeConnections: Pick<StripeConnections, 'of' | 'keep'>;
  stripeEndpoints: (apiKey: string) => StripeEndpoints;
};

export const stripeConnect: Command<Needs> = {
  name: 'stripe:connect',
  summary: 'register the webhook endpoint at Stripe, with exactly the event types that are taken',
  help: `npm run stripe:connect -- [--live|--test] [--url https://…] [--account ACCOUNT [--key-from-stdin]] [--dry-run]

Registers PUBLIC_URL (or --url) with Stripe as a webhook endpoint for exactly the event types that Tillkey takes, and prints its signing
secret as the line for the environment. An endpoint that is there already is brought up to date; its secret is shown in Stripe's
dashboard only. --live or --test says for which side; it may be left out where only one has a Stripe key.

  --account ACCOUNT   the id or the name of a further account, made with npm run accounts:create: its Stripe key and signing
                      secret are kept encrypted in the database, and a Tillkey that runs takes them up within seconds
  --key-from-stdin    reads that account's Stripe key from the standard input; left out, the key it has is used
  --dry-run           says what would be done, and does nothing
`,
  takes: { values: ['url', 'account'], flags: ['live', 'test', 'key-from-stdin', 'dry-run'] },
  run: async (call, dependencies) => {
    const scopes = await chooseScopes(call, dependencies);
    const further = scopes.every(({ accountId }) => accountId !== dependencies.scopes[0]?.accountId);
    const { scope, apiKey } = await chooseSide(call, dependencies, { scopes, further });
    const url = endpointUrl(call, dependencies, further ? scope : null);
    const secret = await register(call, dependencies.stripeEndpoints(apiKey), url);
    if (call.flags.has('dry-run')) return;
    if (further) await keep(call, dependencies, { scope, apiKey, secret });
    else if (secret !== null) call.say(`\nFor the environment (with several secrets, a comma between):\n\nSTRIPE_${scope.mode.toUpperCase()}_WEBHOOK_SECRETS=${secret}`);
  },
};

type Side = { scope: Scope; apiKey: string };

/** The side to connect and its key: the one that is named, or the only one that has a key. */
async function chooseSide(call: Call, dependencies: Needs, { scopes, further }: { scopes: Scope[]; further: boolean }): Promise<Side> {
  const given = await givenKey(call, further);
  const keyOf = async (scope: Scope) => (given === null ? (await dependencies.stripeConnections.of(scope)).apiKey : isKeyOf(scope, given) ? given : null);
  const keys = await Promise.all(scopes.map(async (scope) => ({ scope, apiKey: await keyOf(scope) })));
  const [side, another] = keys.flatMap(({ scope, apiKey }) => (apiKey === null ? [] : [{ scope, apiKey }]));
  if (another !== undefined) throw misused('Both sides have a Stripe key: say --live or --test.');
  if (side !== undefined) return side;
  if (given === null) throw noKey(scopes, further);
  throw misused(`What came in is no Stripe key of this side: ${scopes.map(({ mode }) => `for ${mode} data it starts with sk_${mode}_ or rk_${mode}_`).join(', ')}.`);
}

async function givenKey({ flags }: Call, further: boolean): Promise<string | null> {
  if (!flags.has('key-from-stdin')) return null;
  if (!further) throw misused('--key-from-stdin is for a further account (--account ACCOUNT); the default account has its keys in the environment.');
  return (await text(process.stdin)).trim();
}

function isKeyOf({ mode }: Scope, key: string): boolean {
  return new RegExp(`^[rs]k_${mode}_\\w+$`).test(key);
}

function noKey(scopes: Scope[], further: boolean): AppError {
  const names = scopes.map(({ mode }) => `STRIPE_${mode.toUpperCase()}_SECRET_KEY`);
  return misused(further ? 'This account has no Stripe key yet: give it with --key-from-stdin.' : `No Stripe key is configured: set ${names.join(' or ')}.`);
}

/** Where Stripe is to post. It posts to https only; a stand-in is not so particular. */
function endpointUrl({ values }: Call, { config }: Needs, further: Scope | null): string {
  const base = (givenUrl(values) ?? config.PUBLIC_URL)?.replace(/\/+$/, '');
  if (base === undefined) throw misused('Where does Stripe reach this service? Set PUBLIC_URL, or give --url https://licenses.example.com');
  if (config.STRIPE_API_BASE === undefined && new URL(base).protocol !== 'https:') throw misused(`Stripe posts to https:// only, and this is ${base}. Set PUBLIC_URL, or give --url https://licenses.example.com`);
  if (/[?#]/.test(base)) throw misused(`Stripe is given an address without a query or fragment, and this is ${base}. Set PUBLIC_URL, or give --url https://licenses.example.com`);
  const path = further === null ? '/webhooks/stripe' : `/webhooks/stripe/${further.accountId}`;
  return base.endsWith(path) ? base : `${base}${path}`;
}

/** `--url`, held to what is asked of PUBLIC_URL. */
function givenUrl({ url }: Call['values']): string | undefined {
  const fault = settings.shape.PUBLIC_URL.safeParse(url).error?.issues[0]?.message;
  if (fault !== undefined) throw misused(`--url: ${fault}; got ${JSON.stringify(url)}. Example: --url ${descriptionOf('PUBLIC_URL').example}`);
  return url;
}

/** Makes the endpoint, or brings the one there is up to date. Returns the secret of a new one. */
async function register({ flags, say }: Call, endpoints: StripeEndpoints, url: string): Promise<string | null> {
  const dryRun = flags.has('dry-run');
  const existing = (await endpoints.list()).find((endpoint) => endpoint.url === url);
  if (existing === undefined) {
    say(`${dryRun ? 'Would register' : 'Registering'} ${url} for ${stripeEventTypes.length} event types.`);
    return dryRun ? null : endpoints.create(url, stripeEventTypes);
  }
  const changes = changesOf(existing);
  if (changes.length === 0) say(`${url} is registered already (${existing.id}), and up to date.`);
  else say(`${url} is registered already (${existing.id}). ${dryRun ? 'Would bring' : 'Bringing'} it up to date: ${changes.join(', ')}.`);
  if (changes.length > 0 && !dryRun) await endpoints.update(existing.id, stripeEventTypes);
  say('Stripe shows the signing secret of an endpoint that exists in its dashboard only: Developers, Webhooks, this endpoint, Signing secret.');
  return null;
}

function changesOf({ types, enabled }: Endpoint): string[] {
  const added = stripeEventTypes.filter((type) => !types.includes(type)).map((type) => `+${type}`);
  const removed = types.filter((type) => !stripeEventTypes.includes(type)).map((type) => `-${type}`);
  return [...added, ...removed, ...(enabled ? [] : ['enabled again'])];
}

async function keep({ say }: Call, { database, stripeConnections, clock }: Needs, { scope, apiKey, secret }: Side & { secret: string | null }): Promise<void> {
  await stripeConnections.keep(scope, { apiKey, webhookSecret: secret }, clock.now());
  await reopenWaiting(database, scope, keylessCodes, clock.now());
  say(`The ${scope.mode} Stripe key${secret === null ? '' : ' and the signing secret'} of the account ${scope.accountId} are kept, encrypted. A Tillkey that runs takes them up within seconds.`);
  const { webhookSecrets } = await stripeConnections.of(scope);
  if (webhookSecrets.length === 0) throw new AppError('NO_SIGNING_SECRET', 409, 'No signing secret is kept, so its events are refused: remove the endpoint in the dashboard and run this again.');
}
