import type { Config } from './config.ts';
import type { Role } from './role.ts';

type Started = { role: Role; config: Config; url: string; dataFolder: string };

/** What a person is told once everything runs: where it is, where Stripe goes, what is missing and what that means. */
export function bannerOf({ role, config, url, dataFolder }: Started): string {
  const publicUrl = config.PUBLIC_URL?.replace(/\/$/, '') ?? url;
  const places: [string, string][] = [
    ['Listening', url || 'not at all: background work only'],
    ...(url === '' ? [] : [['API reference', `${publicUrl}/api/reference`] satisfies [string, string]]),
    ['Stripe webhook', `${publicUrl || '<the address of the web process>'}/webhooks/stripe`],
    ['Database', config.DATABASE_URL === undefined ? `embedded PostgreSQL in ${dataFolder}` : 'DATABASE_URL'],
    ['Queues', config.REDIS_URL === undefined ? 'in PostgreSQL' : 'REDIS_URL'],
    ['Mail', config.SMTP_URL === undefined ? `files in ${dataFolder}/mail` : 'SMTP_URL'],
  ];
  const missing = notConfigured(config);
  const lax = config.WEBHOOK_ALLOW_PRIVATE_ADDRESSES ? ['', 'For development only: WEBHOOK_ALLOW_PRIVATE_ADDRESSES lets webhooks reach private addresses and plain http.'] : [];
  return [
    '',
    `Tillkey is running${role === 'all' ? '' : ` (${role})`}.`,
    '',
    ...places.map(([name, value]) => `  ${name.padEnd(16)}${value}`),
    ...(missing.length > 0 ? ['', 'Not configured yet:', '', ...missing.map(([name, meaning]) => `  ${name.padEnd(30)}${meaning}`)] : []),
    ...lax,
    '',
    '',
  ].join('\n');
}

function notConfigured(config: Config): [string, string][] {
  const unset = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);
  const meanings: [string, unknown, string][] = [
    ['STRIPE_LIVE_WEBHOOK_SECRETS', config.STRIPE_LIVE_WEBHOOK_SECRETS, 'live Stripe events are refused with 503'],
    ['STRIPE_TEST_WEBHOOK_SECRETS', config.STRIPE_TEST_WEBHOOK_SECRETS, 'test Stripe events are refused with 503'],
    ['STRIPE_LIVE_SECRET_KEY', config.STRIPE_LIVE_SECRET_KEY, 'one-time live purchases wait: their line items cannot be fetched'],
    ['STRIPE_TEST_SECRET_KEY', config.STRIPE_TEST_SECRET_KEY, 'one-time test purchases wait: their line items cannot be fetched'],
    ['SMTP_URL', config.SMTP_URL, 'customers get no mail: it stays in files'],
    ['MAIL_FROM', config.SMTP_URL !== undefined && /@localhost\b/.test(config.MAIL_FROM) ? undefined : config.MAIL_FROM, `mails come from ${config.MAIL_FROM}, which mail servers refuse`],
    ['PUBLIC_URL', config.PUBLIC_URL, 'links point at localhost'],
  ];
  return meanings.filter(([, value]) => unset(value)).map(([name, , meaning]) => [name, meaning]);
}
