import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { activate, createLicense, validate } from '../support/license.ts';
import { addressOf, spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { callAt, LIVE_KEY, TEST_KEY, TEST_SECRET } from '../support/service.ts';
import { deliver, firstMonth } from '../support/webhook.ts';

const SECRET = 'a secret for tests, long enough to pass';

let folder: string;
let database: Awaited<ReturnType<typeof createDatabase>>;
let tillkey: TillkeyProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tillkey-logs-'));
  database = await createDatabase();
  tillkey = spawnTillkey([], {
    TILLKEY_DATA_DIR: folder, DATABASE_URL: database.url, LOG_LEVEL: 'debug', TILLKEY_SECRET: SECRET,
    TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY, TILLKEY_BOOTSTRAP_LIVE_KEY: LIVE_KEY, STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET,
  });
});
afterAll(async () => {
  await tillkey.end('SIGTERM');
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

describe('the logs of a whole flow, at their most talkative,', () => {
  test('hold no license key, API key or secret', async () => {
    const url = await addressOf(tillkey);
    const caller = { call: callAt(url) };
    const { call } = caller;
    await createCatalog(caller);
    const { body: made } = await call('POST', '/api/v1/api-keys', { body: { name: 'ci' }, headers: { 'idempotency-key': 'once' } });
    await call('POST', '/api/v1/api-keys', { body: { name: 'ci' }, headers: { 'idempotency-key': 'once' } });
    for (const sent of firstMonth().events) await deliver(url, sent);
    // Whichever of the three comes last finds all that makes the license.
    await tillkey.prints(/"finding":"licenses_current"/);
    const bought = (await call('GET', '/api/v1/licenses?userEmail=jo@example.com')).body.data[0];
    const license = await createLicense(caller, { license: { key: 'imported-secret-key' } });
    for (const { key } of [bought, license]) {
      await validate(caller, { key });
      await activate(caller, { key }, 'fingerprint-1');
      await call('GET', `/api/v1/licenses?key=${key}`);
      await call('GET', `/api/v1/licenses/${key}`, { license: key });
      await call('POST', `/api/v1/${key}`, { license: key, body: { key } });
      await call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key, unknown: key } });
    }
    await call('GET', '/api/v1/products', { key: made.data.key });
    await call('GET', '/api/v1/products', { key: 'lk_test_a-key-that-nobody-has' });
    await deliver(url, firstMonth().events[0]!, { secret: 'whsec_another' });
    const rotated = (await call('POST', `/api/v1/licenses/${license.id}/rotate-key`)).body.data.key;
    const link: string = (await call('POST', `/api/v1/customers/${bought.customerId}/portal-link`)).body.data.url;
    for (const method of ['GET', 'POST']) {
      for (const path of ['', '/', 'x', '/machines/x/deactivate', '/unknown']) expect((await fetch(`${link}${path}`, { method })).status).toBeLessThan(500);
    }

    // Lines are gathered before they are written; with the last one all are there.
    await fetch(`${url}/readyz`);
    await tillkey.prints(/"route":"\/readyz"/);
    const log = tillkey.printed();
    expect(log.match(/"msg":"request"/g)?.length).toBeGreaterThan(20);
    const secrets = [bought.key, license.key, rotated, made.data.key, TEST_KEY, LIVE_KEY, TEST_SECRET, SECRET, 'lk_test_a-key', 'whsec_', link.split('/').at(-1)!];
    expect(log).toContain('"/portal/:token"');
    for (const secret of secrets) expect(secret).toEqual(expect.any(String));
    expect(secrets.filter((secret) => log.toLowerCase().includes(secret.toLowerCase()))).toEqual([]);
  }, 60_000);
});
