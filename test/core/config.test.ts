import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { descriptionOf, readConfig } from '../../src/config.ts';
import { settings } from '../../src/settings.ts';

const names = Object.keys(settings.shape);
const secrets = names.filter((name) => descriptionOf(name).secret);
const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const faultsOf = (environment: Record<string, string>) => {
  const read = readConfig(environment);
  return read.ok ? [] : read.faults;
};

/** A value of each setting that is wrong. */
const wrong: [name: string, value: string][] = [
  ['PORT', 'http'],
  ['PORT', '65536'],
  ['PUBLIC_URL', 'licenses.example.com'],
  ['TRUST_PROXY', 'yes'],
  ['TRUST_PROXY', 'a,b'],
  ['LOG_LEVEL', 'loud'],
  ['DATABASE_URL', 'mysql://localhost/wrong-database'],
  ['REDIS_URL', 'http://wrong-redis:6379'],
  ['SMTP_URL', 'wrong-mail.example.com:587'],
  ['MAIL_FROM', 'Acme Licenses'],
  ['TILLKEY_SECRET', 'wrong: too short'],
  ['TILLKEY_BOOTSTRAP_LIVE_KEY', `lk_test_${'wrong'.repeat(8)}`],
  ['TILLKEY_BOOTSTRAP_TEST_KEY', `lk_live_${'wrong'.repeat(8)}`],
  ['STRIPE_LIVE_SECRET_KEY', 'sk_test_wrong'],
  ['STRIPE_LIVE_WEBHOOK_SECRETS', 'whsec_right, sk_live_wrong'],
  ['STRIPE_LIVE_WEBHOOK_SECRETS', 'sk_live_wrong, sk_live_wrong_too'],
  ['STRIPE_TEST_SECRET_KEY', 'pk_test_wrong'],
  ['STRIPE_TEST_WEBHOOK_SECRETS', 'wrong'],
  ['STRIPE_API_BASE', '127.0.0.1:12111'],
  ['STRIPE_RENEWAL_SLACK_HOURS', '1.5'],
  ['EXPIRING_SOON_DAYS', '30, soon'],
  ['TRIAL_ENDING_DAYS', '366'],
  ['WEBHOOK_ALLOW_PRIVATE_ADDRESSES', 'yes'],
  ['EVENT_RETENTION_DAYS', '0'],
  ['DELIVERY_RETENTION_DAYS', 'never'],
  ['IDEMPOTENCY_RETENTION_HOURS', '721'],
  ['RATE_LIMIT_VALIDATE', '-1'],
  ['RATE_LIMIT_ACTIVATE', 'ten'],
  ['RATE_LIMIT_MANAGEMENT', '1000001'],
  ['RATE_LIMIT_OTHER', '1e3'],
];
/** Settings that any text is a right value of. */
const anyText = ['HOST', 'TILLKEY_DATA_DIR'];

describe('where a person reads of the settings', () => {
  test('.env.example has every setting under its description, commented out, and nothing else', () => {
    const blocks = names.map((name) => {
      const { description, example, secret } = descriptionOf(name);
      return secret ? `# ${description}. Example: ${example}\n#${name}=` : `# ${description}\n#${name}=${example}`;
    });
    const [, ...written] = textOf('.env.example').trimEnd().split('\n\n');
    expect(written).toEqual(blocks);
  });

  test('the table in README.md has a row for every setting', () => {
    const readme = textOf('README.md');
    expect(names.filter((name) => !new RegExp(`^\\| *\`${name}\` *\\|`, 'm').test(readme))).toEqual([]);
  });
});

describe('a wrong value', () => {
  test.each(wrong)('%s=%s is one line that names the variable, what was expected and an example', (name, value) => {
    const { example, secret } = descriptionOf(name);
    const got = secret ? 'its value (not shown)' : JSON.stringify(value);
    const faults = faultsOf({ [name]: value });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name}: .*\\bexpected [^/].*; got `))]);
    expect(faults[0]).toContain(`; got ${got}. Example: ${name}=${example}`);
  });

  test('every setting that can have one is tried here', () => {
    expect([...new Set([...wrong.map(([name]) => name), ...anyText])].sort()).toEqual([...names].sort());
  });

  test.each(wrong.filter(([name]) => secrets.includes(name)))('nothing of a wrong %s is shown: it is secret', (name, value) => {
    expect(value).toContain('wrong');
    expect(faultsOf({ [name]: value }).join('\n')).not.toContain('wrong');
  });

  test('whatever is a key, a password or a URL that may hold one is secret', () => {
    expect(secrets).toEqual(names.filter((name) => /SECRET|_KEY$|^(DATABASE|REDIS|SMTP)_URL$/.test(name)));
  });

  test('two wrong settings are told at once', () => {
    expect(faultsOf({ PORT: 'x', LOG_LEVEL: 'x' })).toEqual([expect.stringMatching(/^PORT: /), expect.stringMatching(/^LOG_LEVEL: /)]);
  });
});

describe('a right environment', () => {
  test.each(['', '   '])('a variable set to %j counts as unset, for every setting', (empty) => {
    expect(readConfig(Object.fromEntries(names.map((name) => [name, empty])))).toEqual(readConfig({}));
  });

  test('no setting at all is enough, and variables of others are left alone', () => {
    expect(readConfig({ PATH: '/usr/bin', STRIPE_SOMETHING: 'else' })).toEqual(readConfig({}));
    expect(readConfig({})).toMatchObject({ ok: true, config: { PORT: 3000, LOG_LEVEL: 'info', STRIPE_LIVE_WEBHOOK_SECRETS: [] } });
  });

  test('a list is split at its commas, without the spaces around them', () => {
    const read = readConfig({ STRIPE_LIVE_WEBHOOK_SECRETS: 'whsec_old , whsec_new,' });
    expect(read).toMatchObject({ config: { STRIPE_LIVE_WEBHOOK_SECRETS: ['whsec_old', 'whsec_new'] } });
  });

  test('the config is frozen', () => {
    const read = readConfig({});
    expect(read.ok && Object.isFrozen(read.config)).toBe(true);
  });
});
