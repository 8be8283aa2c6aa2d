import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import { sweep } from '../../src/jobs/sweep.ts';
import { createDatabase } from '../support/database.ts';
import { addressOf, spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { backends, callAt, startTestService, TEST_KEY, type TestService } from '../support/service.ts';

let people = 0;
const person = () => ({ body: { email: `someone-${(people += 1)}@example.com` } });
const endpointAt = async (call: TestService['call'], url: string) => (await call('POST', '/api/v1/webhooks', { body: { url } })).body.data;

describe.each(backends())('with the queues in %s,', (backend) => {
  let tillkey: TestService;
  let receiver: Receiver;
  beforeAll(async () => {
    tillkey = await startTestService({ backend });
  });
  afterAll(() => tillkey.stop());
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  test('an endpoint hears of an event at once, signed as the standard says', async () => {
    const { id, secret } = await endpointAt(tillkey.call, receiver.url);
    await tillkey.call('POST', '/api/v1/customers', person());
    const [hook] = await receiver.got(1);
    const told = (await tillkey.call('GET', '/api/v1/events')).body.data[0];
    expect(new Webhook(secret).verify(hook!.body, hook!.headers as Record<string, string>)).toEqual(told);
    expect(hook!.headers['webhook-id']).toBe(told.id);
    expect(hook!.headers['x-signature']).toBe(createHmac('sha256', secret).update(hook!.body).digest('hex'));
    expect(hook!.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': expect.stringMatching(/^Tillkey\/\d/) });
    await tillkey.call('DELETE', `/api/v1/webhooks/${id}`);
  });

  test('one that hangs keeps no other waiting', async () => {
    const hanging = await startReceiver();
    hanging.answers(() => undefined);
    const slow = await Promise.all(Array.from({ length: 12 }, () => endpointAt(tillkey.call, hanging.url)));
    const { id } = await endpointAt(tillkey.call, receiver.url);
    for (let n = 0; n < 6; n += 1) await tillkey.call('POST', '/api/v1/customers', person());
    await receiver.got(6);
    await hanging.got(60);
    await tillkey.call('POST', '/api/v1/customers', person());
    await receiver.got(7);
    expect(hanging.hooks).toHaveLength(60);
    for (const endpoint of [{ id }, ...slow]) await tillkey.call('DELETE', `/api/v1/webhooks/${endpoint.id}`);
    await hanging.close();
  });

  test('what nobody was woken for the sweep finds', async () => {
    const { id } = await endpointAt(tillkey.call, receiver.url);
    const { dependencies } = tillkey.service;
    const scope = dependencies.scopes[1]!;
    await dependencies.database.em.fork().execute(
      `with told as (insert into events (id, scope_id, type, data, created_at) values (gen_random_uuid(), ?, 'customer.created', '{}', now()) returning id)
       insert into webhook_deliveries (id, scope_id, endpoint_id, event_id, due_at, created_at) select gen_random_uuid(), ?, ?, id, 'epoch', now() from told`, [scope.id, scope.id, id]);
    await sweep(dependencies);
    await receiver.got(1);
    await tillkey.call('DELETE', `/api/v1/webhooks/${id}`);
  });
});

async function committedIn(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ id: string }>('select id from events');
  await client.end();
  return rows.map(({ id }) => id);
}

/** The full number is asked for by hand: KILLS=200 npm test -- test/flows/webhooks.test.ts */
const KILLS = Number(process.env['KILLS'] ?? 3);
const AT_ONCE = 12;

describe('killed at any moment, again and again,', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let folder: string;
  let receiver: Receiver;
  let running: TillkeyProcess;
  beforeAll(async () => {
    [database, folder, receiver] = [await createDatabase(), await mkdtemp(join(tmpdir(), 'tillkey-hooks-')), await startReceiver()];
  });
  afterAll(async () => {
    await running.end('SIGKILL');
    await receiver.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A proxy where nobody listens: who asked it would deliver nothing. */
  const proxy = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
  const start = async () => {
    running = spawnTillkey(['all'], {
      DATABASE_URL: database.url, TILLKEY_DATA_DIR: folder, TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY, WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true', RATE_LIMIT_MANAGEMENT: '0', RATE_LIMIT_OTHER: '0', ...proxy,
    });
    return callAt(await addressOf(running));
  };

  test('it delivers every event that was committed, under one id and with the same bytes, and none that was not', async () => {
    let call = await start();
    await endpointAt(call, receiver.url);
    for (let kill = 0; kill < KILLS; kill += 1) {
      let alive = true;
      const customers = Array.from({ length: AT_ONCE }, async () => {
        while (alive) await call('POST', '/api/v1/customers', person()).catch(() => (alive = false));
      });
      // Another moment each time, from the first request to well into the deliveries.
      await receiver.got(receiver.hooks.length + Math.floor(Math.random() * 30));
      for (let turns = Math.random() * 200; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      await running.end('SIGKILL');
      await Promise.all(customers);
      call = await start();
    }
    const committed = await committedIn(database.url);
    const arrived = () => new Set(receiver.hooks.map(({ headers }) => String(headers['webhook-id'])));
    for (let count = receiver.hooks.length; committed.some((id) => !arrived().has(id)); count += 1) await receiver.got(count + 1);
    expect([...arrived()].sort()).toEqual(committed.sort());
    expect(new Set(receiver.hooks.map(({ body }) => body)).size).toBe(committed.length);
    if (KILLS > 10) process.stdout.write(`${KILLS} kills, ${committed.length} events, ${receiver.hooks.length} requests\n`);
  }, 60_000 + KILLS * 10_000);
});
