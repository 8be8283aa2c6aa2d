import { afterEach, describe, expect, test } from '@jest/globals';
import { hashApiKey } from '../../src/database/api-keys.ts';
import { createRedisDatabase } from '../support/redis.ts';
import { LIVE_KEY, startTestService, TEST_KEY, type TestService } from '../support/service.ts';
import { deliver, event } from '../support/webhook.ts';

let running: TestService[] = [];
const start = async (environment: Record<string, string>, databaseUrl?: string) => {
  const tillkey = await startTestService({ role: 'web', environment, ...(databaseUrl !== undefined && { databaseUrl }) });
  running.push(tillkey);
  return tillkey;
};
afterEach(async () => {
  for (const tillkey of running.reverse()) await tillkey.stop();
  running = [];
});

const validate = ({ call }: TestService) => call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: 'no such key' } });

describe('a limit', () => {
  test('counts down in its headers, then answers 429 and says when to come back', async () => {
    const tillkey = await start({ RATE_LIMIT_VALIDATE: '2' });
    const answers = [await validate(tillkey), await validate(tillkey), await validate(tillkey)];
    expect(answers.map(({ status, headers }) => [status, headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']])).toEqual([
      [200, '2', '1'], [200, '2', '0'], [429, '2', '0'],
    ]);
    expect(answers[2]?.body).toMatchObject({ code: 'RATE_LIMITED', requestId: expect.any(String) });
    expect(Number(answers[2]?.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answers[2]?.headers['x-ratelimit-reset'])).toBeGreaterThan(Date.now() / 1000);
  });

  test('of 0 is off, and says nothing', async () => {
    const tillkey = await start({ RATE_LIMIT_VALIDATE: '0' });
    expect((await validate(tillkey)).headers['x-ratelimit-limit']).toBeUndefined();
  });

  test('on the management API is an API key’s own', async () => {
    const tillkey = await start({ RATE_LIMIT_MANAGEMENT: '1' });
    const statuses = [];
    for (const key of [TEST_KEY, TEST_KEY, LIVE_KEY]) statuses.push((await tillkey.call('GET', '/api/v1/products', { key })).status);
    expect(statuses).toEqual([200, 429, 200]);
  });

  test('slows whoever guesses API keys', async () => {
    const tillkey = await start({ RATE_LIMIT_OTHER: '2' });
    const guess = async () => (await tillkey.call('GET', '/api/v1/products', { key: 'lk_test_guess' })).status;
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    expect((await tillkey.call('GET', '/api/v1/products')).status).toBe(200);
  });

  test('does not touch the Stripe webhook', async () => {
    const tillkey = await start({ RATE_LIMIT_OTHER: '1' });
    for (let n = 0; n < 3; n += 1) expect((await deliver(tillkey.url, event('product.created', { id: 'prod_1' }))).status).toBe(200);
  });

  test('believes X-Forwarded-For only behind a configured proxy', async () => {
    const ask = async (tillkey: TestService, address: string) =>
      (await fetch(`${tillkey.url}/api/v1/licenses/validate-key`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': address }, body: '{"key":"x"}' })).status;
    const open = await start({ RATE_LIMIT_VALIDATE: '1' });
    expect([await ask(open, '203.0.113.1'), await ask(open, '203.0.113.2')]).toEqual([200, 429]);
    const proxied = await start({ RATE_LIMIT_VALIDATE: '1', TRUST_PROXY: '1' });
    expect([await ask(proxied, '203.0.113.1'), await ask(proxied, '203.0.113.2'), await ask(proxied, '203.0.113.2')]).toEqual([200, 200, 429]);
  });

  const stores: [string, () => Promise<Record<string, string>>][] = [['PostgreSQL', async () => ({})]];
  if (process.env['TEST_REDIS_URL']) stores.push(['Redis', async () => ({ REDIS_URL: await createRedisDatabase() })]);
  test.each(stores)('is shared by two web processes through %s', async (_store, storeEnvironment) => {
    const store = await storeEnvironment();
    const first = await start({ ...store, RATE_LIMIT_VALIDATE: '10' });
    const environment = { ...store, RATE_LIMIT_VALIDATE: '10', DATABASE_URL: first.databaseUrl };
    const [one, two] = [await start(environment, first.databaseUrl), await start(environment, first.databaseUrl)];
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => validate(n % 2 ? one : two)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
  });
});

describe('an API key', () => {
  const change = ({ service }: TestService, set: string) =>
    service.dependencies.database.em.fork().execute(`update api_keys set ${set} where hash = decode(?, 'hex')`, [hashApiKey(TEST_KEY).toString('hex')]);

  test('is kept as a hash only', async () => {
    const tillkey = await start({});
    const rows = await tillkey.service.dependencies.database.em.fork().execute<object[]>('select row_to_json(k) as row from api_keys k');
    expect(JSON.stringify(rows)).not.toContain(TEST_KEY);
    expect(rows).toHaveLength(2);
  });

  test.each([["expires_at = '2020-01-01'"], ["deleted_at = '2020-01-01'"]])('with %s is no key', async (set) => {
    const tillkey = await start({});
    await change(tillkey, set);
    expect((await tillkey.call('GET', '/api/v1/products')).status).toBe(401);
  });

  test('with scopes may do what they say, and nothing else', async () => {
    const tillkey = await start({});
    await change(tillkey, "scopes = '{products:read}'");
    expect((await tillkey.call('GET', '/api/v1/products')).status).toBe(200);
    expect(await tillkey.call('POST', '/api/v1/products', { body: { name: 'Acme', code: 'A' } })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await tillkey.call('GET', '/api/v1/licenses')).status).toBe(403);
  });
});
