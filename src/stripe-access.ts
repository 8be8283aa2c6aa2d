import type { Config } from './config.ts';
import type { Database } from './database/orm.ts';
import { createSealing } from './database/sealing.ts';
import type { Scope } from './database/scope.ts';
import type { Logger } from './logger.ts';
import { createStripeEndpoints, createStripeReader } from './stripe.ts';
import type { Patience } from './stripe-client.ts';
import { type Connection, createStripeConnections } from './stripe-connections.ts';

type Setting = { config: Config; log: Logger; patience?: Patience };
type DefaultScopes = { live: Scope; test: Scope };

/** How Stripe is reached, for whom. */
export function stripeAccess({ config, log, patience }: Setting, { database, secret, scopes }: { database: Database; secret: string; scopes: DefaultScopes }) {
  const stripeConnections = createStripeConnections({
    database,
    sealing: createSealing(secret, 'stripe connection'),
    configured: configuredConnections(config, scopes),
    connect: (apiKey) => createStripeReader(apiKey, config.STRIPE_API_BASE, log, patience),
  });
  return {
    stripeConnections,
    stripeScopes: () => stripeConnections.withKey(),
    stripeOf: (scope: Scope) => stripeConnections.clientOf(scope),
    signingSecrets: (account: string | undefined) => stripeConnections.ofAccount(account),
    stripeEndpoints: (apiKey: string) => createStripeEndpoints(apiKey, config.STRIPE_API_BASE, log),
  };
}

/** What the settings say of the default account. */
function configuredConnections(config: Config, { live, test }: DefaultScopes): { scope: Scope; connection: Connection }[] {
  return [
    { scope: live, connection: { apiKey: config.STRIPE_LIVE_SECRET_KEY ?? null, webhookSecrets: config.STRIPE_LIVE_WEBHOOK_SECRETS } },
    { scope: test, connection: { apiKey: config.STRIPE_TEST_SECRET_KEY ?? null, webhookSecrets: config.STRIPE_TEST_WEBHOOK_SECRETS } },
  ];
}
