import { join } from 'node:path';
import { bootstrapApiKeys, checkSecret, defaultScopes } from './bootstrap.ts';
import type { Clock } from './clock.ts';
import { type Config, publicUrlOf } from './config.ts';
import { findApiKey, readScope } from './database/api-keys.ts';
import { migrate } from './database/migrate.ts';
import { onCommit } from './database/after-commit.ts';
import { connectDatabase, type Database } from './database/orm.ts';
import { createSealing, type Sealing } from './database/sealing.ts';
import type { Scope } from './database/scope.ts';
import { timeOf } from './database/scope-time.ts';
import { keepSecretFile } from './database/secret-file.ts';
import type { Directory } from './handlers/http/authenticate.ts';
import type { FirstAnswers } from './handlers/http/idempotency.ts';
import type { Limits } from './handlers/http/limit.ts';
import type { SigningSecrets } from './handlers/stripe-webhook.ts';
import { createFirstAnswers } from './idempotency.ts';
import { gatherJobRuns } from './job-runs.ts';
import { type AppEvents, gatherAppEvents } from './licensing/app-events.ts';
import { findOwnLicense, isCertainSlip } from './licensing/find-license.ts';
import { createLicenseKeys, type LicenseKeys } from './licensing/license-key.ts';
import type { Licensing, Reminders } from './licensing/licensing.ts';
import { createPortalLinks, type PortalLinks } from './licensing/portal-links.ts';
import { createSigningKeys, type SigningKeys } from './licensing/signing-keys.ts';
import { createUnsubscribeLinks, type UnsubscribeLinks } from './licensing/unsubscribe-links.ts';
import { createValidations, type Validations } from './licensing/validate-key.ts';
import { type Logger, warner } from './logger.ts';
import { createMailer, type Mailer } from './mailer.ts';
import { createQueues, type Queues } from './queues.ts';
import { createRateLimits } from './rate-limits.ts';
import type { Patience } from './stripe-client.ts';
import type { StripeApi } from './stripe.ts';
import { stripeAccess } from './stripe-access.ts';
import type { StripeConnections } from './stripe-connections.ts';
import type { StripeEndpoints } from './stripe-endpoints.ts';
import { createWebhookClient, type WebhookClient, type WebhookPatience } from './webhook-client.ts';

/** Everything a process works with. Each part declares what it needs of it. */
export type Dependencies = {
  config: Config;
  clock: Clock;
  log: Logger;
  database: Database;
  queues: Queues;
  keys: LicenseKeys;
  signingKeys: SigningKeys;
  mailer: Mailer;
  limits: Limits;
  slackHours: number;
  reminders: Reminders;
  portalLinks: PortalLinks;
  unsubscribeLinks: UnsubscribeLinks;
  publicUrl: string;
  /** How long what happened is kept. */
  retention: { eventDays: number; deliveryDays: number };
  scopes: Scope[];
  directory: Directory;
  firstAnswers: FirstAnswers;
  validations: Validations;
  webhookSecrets: Sealing;
  webhookClient: WebhookClient;
  appEvents: AppEvents;
  scopeOf: (scopeId: number) => Promise<Scope>;
  /** The time by which a scope is judged: the clock's, or its rehearsal's. */
  timeOf: (scope: Scope) => Promise<Date>;
  /** The scopes with a Stripe key, and the client of one. */
  stripeScopes: () => Promise<Scope[]>;
  stripeOf: (scope: Scope) => Promise<StripeApi | null>;
  signingSecrets: (account: string | undefined) => Promise<SigningSecrets | null>;
  stripeConnections: StripeConnections;
  stripeEndpoints: (apiKey: string) => StripeEndpoints;
  close(): Promise<void>;
};

/** What the composition is given: the settings, and the few things that tests and the demo choose themselves. */
export type Setting = {
  config: Config;
  clock: Clock;
  log: Logger;
  dataFolder: string;
  databaseUrl: string;
  /** How hard Stripe is asked, where not as usual. */
  patience?: Patience;
  /** How webhook endpoints are waited for and looked up, where not as usual. */
  webhookPatience?: WebhookPatience;
  /** Hands over API keys that were just generated. */
  show: (keys: { mode: 'live' | 'test'; key: string }[]) => void;
};

/** The composition root: the only place that constructs clients. Migrates and bootstraps the database on the way. */
export async function createDependencies(setting: Setting): Promise<Dependencies> {
  const { config, clock, log, dataFolder, databaseUrl, webhookPatience } = setting;
  const { database, secret, scopes, signingKeys } = await prepareDatabase(setting);
  const licensing = licensingOf(setting, { database, secret });
  const jobRuns = gatherJobRuns({ database, clock, warn: warner(log, 'how jobs ran is not written down yet') });
  const queues = createQueues({ redisUrl: config.REDIS_URL, databaseUrl, log, ran: jobRuns.ran });
  const mailer = createMailer({ smtpUrl: config.SMTP_URL, from: config.MAIL_FROM, mailFolder: join(dataFolder, 'mail') });
  onCommit(database, (endpointIds) => wake(queues, endpointIds));
  const limits = createRateLimits(config, log);
  return {
    config, clock, log, database, queues, mailer, limits, signingKeys, ...licensing, ...stripeAccess(setting, { database, secret, scopes }),
    scopes: [scopes.live, scopes.test],
    ...sealedWith(secret),
    webhookClient: createWebhookClient({ ...webhookPatience, allowPrivate: config.WEBHOOK_ALLOW_PRIVATE_ADDRESSES }),
    publicUrl: publicUrlOf(config),
    retention: { eventDays: config.EVENT_RETENTION_DAYS, deliveryDays: config.DELIVERY_RETENTION_DAYS },
    scopeOf: (scopeId) => readScope(database, scopeId),
    timeOf: (scope) => timeOf(database, scope, clock.now()),
    close: async () => {
      await licensing.validations.flush();
      await licensing.appEvents.flush();
      await queues.close();
      await jobRuns.flush();
      await limits.close();
      mailer.close();
      await database.close(true);
    },
  };
}

/** Tells the workers which endpoints are owed something; of all together, since each waits for a queue that is away. */
async function wake(queues: Queues, endpointIds: string[]): Promise<void> {
  await Promise.all(endpointIds.map((endpointId) => queues.enqueue('deliveries', { endpointId })));
}

/** What goes out sealed, or is kept so, each under a key of its own. */
function sealedWith(secret: string) {
  return {
    portalLinks: createPortalLinks(createSealing(secret, 'portal link')),
    unsubscribeLinks: createUnsubscribeLinks(createSealing(secret, 'unsubscribe link')),
    webhookSecrets: createSealing(secret, 'webhook secret'),
  };
}

/** What answers about licenses works with. */
function licensingOf({ config, clock, log }: Setting, { database, secret }: { database: Database; secret: string }) {
  const licensing = { database, keys: createLicenseKeys(secret), slackHours: config.STRIPE_RENEWAL_SLACK_HOURS, reminders: remindersOf(config) };
  const warn = warner(log, 'what apps did is not written down yet');
  const appEvents = gatherAppEvents({ database, warn, now: () => clock.now() });
  return {
    keys: licensing.keys,
    slackHours: licensing.slackHours,
    reminders: licensing.reminders,
    directory: directoryOf(licensing, clock),
    firstAnswers: createFirstAnswers({ database, clock, sealing: createSealing(secret, 'first answers'), keptHours: config.IDEMPOTENCY_RETENTION_HOURS }),
    appEvents,
    validations: createValidations({ ...licensing, appEvents, now: () => clock.now(), warn }),
  };
}

function remindersOf({ EXPIRING_SOON_DAYS: expiringSoonDays, TRIAL_ENDING_DAYS: trialEndingDays }: Config): Reminders {
  return { expiringSoonDays, trialEndingDays };
}

/** How callers are found. */
function directoryOf({ database, keys }: Licensing, clock: Clock): Directory {
  return {
    findApiKey: (token) => findApiKey(database, token, clock.now()),
    hashLicenseKey: async (key) => {
      const reading = keys.read(key);
      return (await isCertainSlip(database, reading)) ? null : reading.hash;
    },
    findOwnLicense: async (keyHash) => {
      const own = await findOwnLicense(database, keyHash);
      return own && { licenseId: own.licenseId, scope: await readScope(database, own.scopeId) };
    },
  };
}

/** The database, migrated, made with our secret, with an account that somebody has keys to and a key to sign with. */
async function prepareDatabase({ config, clock, dataFolder, databaseUrl, show }: Setting) {
  const database = await connectDatabase(databaseUrl);
  const prepare = async () => {
    await migrate(database, databaseUrl);
    const secret = config.TILLKEY_SECRET ?? (await keepSecretFile(join(dataFolder, 'secret')));
    await checkSecret(database, secret);
    const scopes = await defaultScopes(database, clock.now());
    const given = { live: config.TILLKEY_BOOTSTRAP_LIVE_KEY, test: config.TILLKEY_BOOTSTRAP_TEST_KEY };
    await bootstrapApiKeys(database, scopes, { given, show }, clock.now());
    const signingKeys = createSigningKeys(database, secret);
    await signingKeys.ensure(clock.now());
    return { database, secret, scopes, signingKeys };
  };
  return prepare().catch(async (error: unknown) => {
    await database.close(true);
    throw error;
  });
}
