import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createCatalog } from '../support/catalog.ts';
import { fillDataFolder } from '../support/data-folder.ts';
import { createDatabase } from '../support/database.ts';
import { addressOf, spawnNpmStart, spawnTillkey, type TillkeyProcess } from '../support/process.ts';
import { callAt, startTestService, TEST_KEY, TEST_SECRET } from '../support/service.ts';
import { until } from '../support/until.ts';
import { deliver, firstMonth } from '../support/webhook.ts';

const TIMEOUT_MS = 60_000;

let folder: string;
let processes: TillkeyProcess[];
beforeEach(async () => {
  [folder, processes] = [await mkdtemp(join(tmpdir(), 'tillkey-start-')), []];
});
afterEach(async () => {
  for (const tillkey of processes) await tillkey.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}, args: string[] = []): TillkeyProcess {
  const tillkey = spawnTillkey(args, { TILLKEY_DATA_DIR: folder, STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET, ...environment });
  processes.push(tillkey);
  return tillkey;
}

/** A client that never ends its request: Tillkey ends, after as long as requests in flight may take. It does so beside the other tests. */
let cutOff: { folder: string; exitCode: Promise<number | null> };
beforeAll(async () => {
  const own = await mkdtemp(join(tmpdir(), 'tillkey-start-'));
  await fillDataFolder(own);
  const tillkey = spawnTillkey([], { TILLKEY_DATA_DIR: own });
  const { port } = new URL(await addressOf(tillkey));
  const slow = connect(Number(port), '127.0.0.1');
  slow.on('error', () => undefined);
  slow.write('POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  await once(slow, 'connect');
  cutOff = { folder: own, exitCode: tillkey.end('SIGTERM') };
}, TIMEOUT_MS);
afterAll(async () => {
  await cutOff.exitCode;
  await rm(cutOff.folder, { recursive: true, force: true });
}, TIMEOUT_MS);

const keysIn = (text: string) => text.match(/lk_(live|test)_[a-z0-9]{32,}/g) ?? [];

describe('with nothing but Node', () => {
  test('it runs on its own database, also where a kill left an earlier first start half done; it prints its keys once, and says what is missing', async () => {
    await mkdir(join(folder, 'postgres.init-1'));
    const first = start();
    const url = await addressOf(first);
    expect((await readdir(folder)).filter((name) => name.startsWith('postgres.init-'))).toEqual([]);
    await first.prints(/PUBLIC_URL/);
    const [live, testKey] = keysIn(first.printed());
    expect([live, testKey]).toEqual([expect.stringMatching(/^lk_live_/), expect.stringMatching(/^lk_test_/)]);
    expect(first.printed()).toContain(`${url}/webhooks/stripe`);
    expect(first.printed()).toContain(`${url}/api/reference`);
    expect(first.printed()).toMatch(/STRIPE_LIVE_WEBHOOK_SECRETS\s+live Stripe events are refused with 503/);
    expect((await callAt(url)('GET', '/readyz')).body).toEqual({ status: 'ready', checks: { database: true, migrations: true, inbox: true, outbox: true, deliveries: true }, failedEvents: 0, oldestSeconds: { inbox: 0, outbox: 0, deliveries: 0 }, queues: expect.objectContaining({ messages: { waiting: 0, delayed: 0, active: 0 } }) });
    expect((await callAt(url)('GET', '/api/v1/products', { key: testKey! })).status).toBe(200);
    expect(await first.end('SIGTERM')).toBe(0);

    const second = start();
    const again = await addressOf(second);
    expect(keysIn(second.printed())).toEqual([]);
    expect((await callAt(again)('GET', '/api/v1/products', { key: testKey! })).status).toBe(200);
    expect(await second.end('SIGINT')).toBe(0);
  }, TIMEOUT_MS);

  test('a second start on the same folder says so and exits, and the first goes on, also after its connection to the database was lost', async () => {
    await fillDataFolder(folder);
    const first = start();
    const url = await addressOf(first);
    const isRefused = async () => {
      const second = start();
      expect(await second.exitCode).toBe(1);
      expect(second.printed()).toContain('TILLKEY_DATA_DIR');
      expect((await callAt(url)('GET', '/readyz')).status).toBe(200);
    };
    await isRefused();
    const [password, pidFile] = [await readFile(join(folder, 'postgres-password'), 'utf8'), await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')];
    const client = new pg.Client({ host: '127.0.0.1', port: Number(pidFile.split('\n')[3]), user: 'tillkey', password: password.trim(), database: 'postgres' });
    await client.connect();
    await client.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tillkey-owner'");
    const owned = async () => (await client.query("select 1 from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and a.application_name = 'tillkey-owner'")).rows.length;
    await until(async () => (await owned()) > 0);
    await client.end();
    await isRefused();
  }, TIMEOUT_MS);

  test('a kill -9 in the middle of a purchase loses nothing and needs no manual step', async () => {
    await fillDataFolder(folder);
    const first = start({ TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY });
    const url = await addressOf(first);
    await createCatalog({ call: callAt(url) });
    for (const sent of firstMonth().events) expect((await deliver(url, sent)).status).toBe(200);
    await first.end('SIGKILL');

    const second = start({ TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY });
    const call = callAt(await addressOf(second));
    const licenses = async () => (await call('GET', '/api/v1/licenses')).body.data;
    await until(async () => (await licenses()).length > 0);
    expect(await licenses()).toHaveLength(1);
    const mails = async () => (await readdir(join(folder, 'mail')).catch(() => [])).filter((name) => name.endsWith('.eml'));
    await until(async () => (await mails()).length > 0);
    expect(await second.end('SIGTERM')).toBe(0);
    expect(await mails()).toHaveLength(1);
  }, TIMEOUT_MS);
});

describe('a start that cannot be', () => {
  test.each([
    ['a bad value', { PORT: 'eighty' }, [], 2, /PORT: .*whole number.*"eighty".*PORT=3000/],
    ['a secret that is too short, which is not shown', { TILLKEY_SECRET: 'hunter2' }, [], 2, /TILLKEY_SECRET: expected 32 or more characters; got its value \(not shown\)/],
    ['a role without its database', {}, ['worker'], 2, /DATABASE_URL: .*worker.*postgres:\/\//],
    ['a folder that is a file', { TILLKEY_DATA_DIR: 'package.json' }, [], 1, /TILLKEY_DATA_DIR: .*cannot be used/],
    ['an address that is not ours', { HOST: '192.0.2.1' }, [], 1, /HOST, PORT: cannot listen on 192\.0\.2\.1/],
    ['an unknown role', {}, ['wrok'], 2, /unknown command: wrok/],
    ['a database that does not answer', { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }, [], 1, /DATABASE_URL: the database cannot be used: .*ECONNREFUSED/],
  ])('because of %s exits with a line that says what to do', async (_title, environment, args, code, says) => {
    const refused = start(environment as Record<string, string>, args);
    expect(await refused.exitCode).toBe(code);
    expect(refused.printed()).toMatch(says);
    expect(refused.printed()).not.toContain('hunter2');
  }, TIMEOUT_MS);

  test('because of another secret than the database was made with says so', async () => {
    const database = await createDatabase();
    await (await startTestService({ role: 'migrate', databaseUrl: database.url, environment: { TILLKEY_SECRET: 'a'.repeat(32) } })).stop();
    const refused = start({ DATABASE_URL: database.url, TILLKEY_SECRET: 'b'.repeat(32) });
    expect(await refused.exitCode).toBe(1);
    expect(refused.printed()).toContain('TILLKEY_SECRET is not the one this database was made with');
    await database.drop();
  }, TIMEOUT_MS);
});

describe('npm start', () => {
  beforeEach(() => fillDataFolder(folder));
  const environment = () => ({ TILLKEY_DATA_DIR: folder, LOG_LEVEL: 'silent' });

  test('passes SIGTERM on: the service stops cleanly and npm exits with 0', async () => {
    const npm = spawnNpmStart(environment());
    await addressOf(npm);
    expect(await npm.end('SIGTERM')).toBe(0);
    expect(npm.printed()).toContain('finishing what is in flight');
  }, TIMEOUT_MS);

  test('that is killed hard takes the service with it, and the next one has the folder', async () => {
    const npm = spawnNpmStart(environment());
    await addressOf(npm);
    await npm.end('SIGKILL');
    const again = start();
    expect(await addressOf(again)).toContain('http://localhost:');
  }, TIMEOUT_MS);
});

test('a SIGTERM while it starts stops what has been started, and the folder is free at once', async () => {
  await fillDataFolder(folder);
  const first = start();
  await first.prints(/API keys/);
  expect(await first.end('SIGTERM')).toBe(0);
  expect(await addressOf(start())).toContain('http://localhost:');
}, TIMEOUT_MS);

test('a client that never ends its request does not keep it from ending', async () => {
  expect(await cutOff.exitCode).toBe(0);
}, TIMEOUT_MS);

test('a port that is taken is named', async () => {
  await fillDataFolder(folder);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const refused = start({ PORT: String(port), HOST: '127.0.0.1' });
  expect(await refused.exitCode).toBe(1);
  expect(refused.printed()).toContain(`PORT: another program listens on ${port}`);
  taken.close();
}, TIMEOUT_MS);

test.each([
  ['SIGTERM', 'main.ts'],
  ['Ctrl-C', 'main.ts'],
  ['Ctrl-C', 'npm start'],
])('%s to %s lets a request in flight finish', async (signal, command) => {
  const database = await createDatabase();
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  const environment = { DATABASE_URL: database.url, TILLKEY_DATA_DIR: folder, STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET };
  const tillkey = command === 'npm start' ? spawnNpmStart(environment) : start(environment);
  const url = await addressOf(tillkey);
  await blocker.query('begin; lock table stripe_events');
  const inFlight = deliver(url, firstMonth().events[0]!);
  // The request itself, and not the worker's sweep, which waits for the same table.
  const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%insert into stripe_events%'`;
  // A transaction sees the activity as it was when it first asked, unless it forgets that.
  while ((await blocker.query(waiting)).rowCount === 0) await blocker.query('select pg_stat_clear_snapshot()');
  const ended = signal === 'Ctrl-C' ? tillkey.interrupt() : tillkey.end('SIGTERM');
  await tillkey.prints(/finishing what is in flight/);
  await blocker.query('commit');
  expect((await inFlight).status).toBe(200);
  expect(await ended).toBe(0);
  await blocker.end();
  await database.drop();
}, TIMEOUT_MS);

test('--help tells every role', async () => {
  const help = start({}, ['--help']);
  expect(await help.exitCode).toBe(0);
  for (const role of ['web', 'worker', 'migrate']) expect(help.printed()).toContain(`npm start -- ${role}`);
});

test('web and worker apart do together what one process does', async () => {
  const database = await createDatabase();
  const environment = { DATABASE_URL: database.url, TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY };
  expect(await start(environment, ['migrate']).exitCode).toBe(0);
  const [web, worker] = [start(environment, ['web']), start(environment, ['worker'])];
  const call = callAt(await addressOf(web));
  await worker.prints(/Tillkey is running \(worker\)/);
  await createCatalog({ call });
  for (const sent of firstMonth().events) await deliver(await addressOf(web), sent);
  const licenses = async () => (await call('GET', '/api/v1/licenses')).body.data;
  await until(async () => (await licenses()).length > 0);
  expect(await licenses()).toHaveLength(1);
  expect([await web.end('SIGTERM'), await worker.end('SIGTERM')]).toEqual([0, 0]);
  await database.drop();
}, TIMEOUT_MS);
