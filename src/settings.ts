import { z } from 'zod';

/**
 * Every setting Tillkey reads from its environment: one schema that checks it, and the text, default and example that
 * the start-up error, `.env.example` and the README table show. An empty value counts as unset.
 */

/** A setting's words for people. `secret` values are never echoed. */
export type Description = { description: string; example: string; secret?: true };

const describe = <T extends z.ZodType>(schema: T, description: Description): T => schema.meta(description);

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .pipe(z.number().min(least, `expected at least ${least}`).max(most, `expected at most ${most}`));

const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, protocols), {
    message: `expected a URL with a host, starting with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
  });

function isUrl(value: string, protocols: string[]): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const wellEscaped = /^([^%]|%[0-9A-Fa-f]{2})*$/.test(username + password);
  return protocols.includes(protocol.slice(0, -1)) && hostname !== '' && wellEscaped;
}

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

const webhookSecrets = list.pipe(
  z.array(z.string().regex(/^whsec_[A-Za-z0-9_+/=-]+$/, 'expected signing secrets that start with whsec_, a comma between')),
);

const proxy = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.enum(['loopback', 'linklocal', 'uniquelocal'])]);

/** In the form Express takes: a number of hops, or a list of addresses. */
const trustedProxies = z.union([z.string().regex(/^\d+$/).transform(Number), list.pipe(z.array(proxy))], {
  error: 'expected the number of proxies in front, or their addresses with a comma between',
});

const perMinute = (count: number, whose: string) =>
  describe(wholeNumber(0, 1_000_000).default(count), {
    description: `Requests a minute for ${whose}; 0 turns the limit off`,
    example: String(count),
  });

const kept = (count: number, most: number, what: string, except: string) =>
  describe(wholeNumber(1, most).default(count), { description: `${what}; ${except}`, example: String(count) });

const bootstrapKey = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}[A-Za-z0-9]{32,}$`), `expected ${prefix} followed by 32 or more letters and digits`)
    .optional();

export const settings = z.object({
  PORT: describe(wholeNumber(0, 65535).default(3000), { description: 'Port to listen on; 0 takes a free one', example: '3000' }),
  HOST: describe(z.string().optional(), { description: 'Address to listen on; all interfaces when unset', example: '127.0.0.1' }),
  PUBLIC_URL: describe(url('http', 'https').optional(), {
    description: 'Where customers and Stripe reach this service; `http://localhost:PORT` when unset',
    example: 'https://licenses.example.com',
  }),
  TRUST_PROXY: describe(trustedProxies.optional(), {
    description: 'Proxies whose `X-Forwarded-For` counts: how many stand in front, or their addresses. Unset: none',
    example: '1',
  }),
  LOG_LEVEL: describe(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    description: 'How much is logged',
    example: 'info',
  }),
  DATABASE_URL: describe(url('postgres', 'postgresql').refine((value) => /^[^?]*:\/\/[^/]+\/[^/?]+/.test(value), 'expected a URL with a host and the name of a database').optional(), {
    description: 'PostgreSQL 14 or newer. Unset: an embedded PostgreSQL under the data folder',
    example: 'postgres://tillkey:password@localhost:5432/tillkey',
    secret: true,
  }),
  REDIS_URL: describe(url('redis', 'rediss').optional(), {
    description: 'Redis 6.2 or newer, or Valkey, for the queues. Unset: the queues live in PostgreSQL',
    example: 'redis://localhost:6379',
    secret: true,
  }),
  SMTP_URL: describe(url('smtp', 'smtps').optional(), {
    description: 'Mail server. Unset: mails are written to the data folder as .eml files',
    example: 'smtp://user:password@localhost:587',
    secret: true,
  }),
  MAIL_FROM: describe(
    z.string().regex(/^[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>$|^[^<>@\s]+@[^<>@\s]+$/, 'expected an address, or "Name <address>"').default('Tillkey <tillkey@localhost>'),
    { description: 'Sender of every mail', example: 'Acme Licenses <licenses@example.com>' },
  ),
  TILLKEY_SECRET: describe(z.string().min(32, 'expected 32 or more characters').optional(), {
    description: 'Protects license keys at rest; 32 or more characters, never changed. Unset: generated and kept in the data folder',
    example: 'the output of: openssl rand -hex 32',
    secret: true,
  }),
  TILLKEY_DATA_DIR: describe(z.string().default('.data'), {
    description: 'Folder for the embedded database, the generated secret and mails without SMTP_URL',
    example: '/var/lib/tillkey',
  }),
  TILLKEY_BOOTSTRAP_LIVE_KEY: describe(bootstrapKey('lk_live_'), {
    description: 'First live API key of the account `default`. Unset: generated and printed once',
    example: 'lk_live_ and 32 or more letters and digits',
    secret: true,
  }),
  TILLKEY_BOOTSTRAP_TEST_KEY: describe(bootstrapKey('lk_test_'), {
    description: 'First test API key of the account `default`. Unset: generated and printed once',
    example: 'lk_test_ and 32 or more letters and digits',
    secret: true,
  }),
  STRIPE_LIVE_SECRET_KEY: describe(z.string().regex(/^[rs]k_live_/, 'expected a key that starts with sk_live_ or rk_live_').optional(), {
    description: 'Stripe API key for live data. Unset: what events carry is all that is known',
    example: 'sk_live_...',
    secret: true,
  }),
  STRIPE_LIVE_WEBHOOK_SECRETS: describe(webhookSecrets.default([]), {
    description: 'Signing secrets of the live webhook endpoint, a comma between. Unset: live events are refused with 503',
    example: 'whsec_...',
    secret: true,
  }),
  STRIPE_TEST_SECRET_KEY: describe(z.string().regex(/^[rs]k_test_/, 'expected a key that starts with sk_test_ or rk_test_').optional(), {
    description: 'Stripe API key for test data. Unset: what events carry is all that is known',
    example: 'sk_test_...',
    secret: true,
  }),
  STRIPE_TEST_WEBHOOK_SECRETS: describe(webhookSecrets.default([]), {
    description: 'Signing secrets of the test webhook endpoint, a comma between. Unset: test events are refused with 503',
    example: 'whsec_...',
    secret: true,
  }),
  STRIPE_API_BASE: describe(url('http', 'https').optional(), {
    description: 'Only to point at a stand-in for Stripe',
    example: 'http://127.0.0.1:12111',
  }),
  STRIPE_RENEWAL_SLACK_HOURS: describe(wholeNumber(0, 720).default(24), {
    description: 'Hours a renewing license stays valid past its end while Stripe drafts and charges the renewal invoice',
    example: '24',
  }),
  EXPIRING_SOON_DAYS: describe(list.pipe(z.array(wholeNumber(0, 365))).default([30, 7, 1]), {
    description: 'How many days before its end a license that does not renew is told to end soon, a comma between; each is an event and a mail; 0 for none',
    example: '30,7,1',
  }),
  TRIAL_ENDING_DAYS: describe(wholeNumber(0, 365).default(3), {
    description: 'How many days before the end of a trial at Stripe its customer is told; 0 for never',
    example: '3',
  }),
  WEBHOOK_ALLOW_PRIVATE_ADDRESSES: describe(z.enum(['true', 'false'], 'expected true or false').default('false').transform((value) => value === 'true'), {
    description: 'Whether webhook endpoints may be on private addresses and plain http: for development only',
    example: 'true',
  }),
  EVENT_RETENTION_DAYS: kept(90, 3650, 'Days that events are kept', 'one that a delivery needs stays with it'),
  DELIVERY_RETENTION_DAYS: kept(30, 3650, 'Days that webhook deliveries are kept', 'one that is not done yet stays'),
  IDEMPOTENCY_RETENTION_HOURS: kept(24, 720, 'Hours that the first answer to an `Idempotency-Key` is kept', 'then the key is free'),
  RATE_LIMIT_VALIDATE: perMinute(60, 'validate-key, by IP address'),
  RATE_LIMIT_ACTIVATE: perMinute(10, 'machine activation, by IP address'),
  RATE_LIMIT_MANAGEMENT: perMinute(120, 'the management API, by API key'),
  RATE_LIMIT_OTHER: perMinute(300, 'everything else but the Stripe webhook, by IP address'),
});
