import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import supertest from 'supertest';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import type { Role } from '../../src/role.ts';
import { type Service, startService } from '../../src/service.ts';
import type { Patience } from '../../src/stripe-client.ts';
import type { WebhookPatience } from '../../src/webhook-client.ts';
import { createDatabase } from './database.ts';
import { createRedisDatabase } from './redis.ts';

export const TEST_KEY = `lk_test_${'t'.repeat(32)}`;
export const LIVE_KEY = `lk_live_${'l'.repeat(32)}`;
export const TEST_SECRET = 'whsec_test_secret';
export const LIVE_SECRET = 'whsec_live_secret';

/** A clock that stands where it is put. */
export type TestClock = { now(): Date; set(now: Date): void };

export function testClock(now = new Date()): TestClock {
  let current = now;
  return { now: () => current, set: (next) => (current = next) };
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Reply = { status: number; body: any; headers: Record<string, string> };

/** `key` is an API key, null for none; `license` calls as the app that has this license key. */
export type CallOptions = { body?: unknown; key?: string | null; license?: string; headers?: Record<string, string> };

export type TestService = {
  url: string;
  databaseUrl: string;
  service: Service;
  clock: TestClock;
  /** Calls the API with the test key, or as `options` say. */
  call(method: Method, path: string, options?: CallOptions): Promise<Reply>;
  /** The mails written so far, parsed. */
  mails(): Promise<Email[]>;
  /** Waits until no event and no message is left to do. */
  settled(withinMs?: number): Promise<void>;
  stop(): Promise<void>;
};

type Choice = { backend?: 'postgres' | 'redis'; role?: Role; clock?: TestClock; databaseUrl?: string; environment?: Record<string, string>; patience?: Patience; webhookPatience?: WebhookPatience };

/** Stripe's stand-in takes any number of requests a second: the pace that Stripe asks for is kept, and tested, where a test says so. */
const UNPACED: Patience = { most: 1_000 };

/** The whole service in this process, on a database, a folder and a port of its own. */
export async function startTestService({ backend = 'postgres', role = 'all', clock = testClock(), databaseUrl, environment = {}, patience = UNPACED, webhookPatience }: Choice = {}): Promise<TestService> {
  const owned = databaseUrl === undefined ? await createDatabase() : null;
  const dataFolder = await mkdtemp(join(tmpdir(), 'tillkey-data-'));
  const read = readConfig({
    PORT: '0',
    LOG_LEVEL: 'silent',
    TILLKEY_SECRET: 'a secret for tests, long enough to pass',
    TILLKEY_BOOTSTRAP_TEST_KEY: TEST_KEY,
    TILLKEY_BOOTSTRAP_LIVE_KEY: LIVE_KEY,
    STRIPE_TEST_WEBHOOK_SECRETS: TEST_SECRET,
    STRIPE_LIVE_WEBHOOK_SECRETS: LIVE_SECRET,
    RATE_LIMIT_VALIDATE: '0',
    RATE_LIMIT_MANAGEMENT: '0',
    RATE_LIMIT_OTHER: '0',
    // Receivers of the tests are on loopback.
    WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
    ...(backend === 'redis' && { REDIS_URL: await createRedisDatabase() }),
    ...environment,
  });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  const url = databaseUrl ?? owned?.url ?? '';
  const log = createLogger(read.config.LOG_LEVEL);
  const service = await startService({ role, config: read.config, clock, log, dataFolder, databaseUrl: url, show: () => undefined, patience, ...(webhookPatience && { webhookPatience }) });
  return {
    url: service.url,
    databaseUrl: url,
    service,
    clock,
    call: callAt(service.url),
    mails: () => readMails(join(dataFolder, 'mail')),
    settled: (withinMs) => settled(service, withinMs),
    stop: async () => {
      await service.stop();
      await owned?.drop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

/** Two web processes on one database, each with a pool and a write-behind of its own. The first owns the database: stop it last. */
export async function startTwoWebs(clock: TestClock): Promise<[TestService, TestService]> {
  const choice = { role: 'web', clock, environment: { RATE_LIMIT_ACTIVATE: '0' } } as const;
  const first = await startTestService(choice);
  return [first, await startTestService({ ...choice, databaseUrl: first.databaseUrl })];
}

/** The backends to run queue suites on: both, where there is a Redis. */
export function backends(): ('postgres' | 'redis')[] {
  return process.env['TEST_REDIS_URL'] ? ['postgres', 'redis'] : ['postgres'];
}

/** Calls the API of a service with the test key, or as the options say. */
export function callAt(url: string): TestService['call'] {
  return async (method, path, { body, key = TEST_KEY, license, headers = {} } = {}) => {
    const asked = supertest(url)[verbs[method]](path).set(headers);
    const credential = license !== undefined ? `License ${license}` : key !== null ? `Bearer ${key}` : null;
    if (credential !== null) asked.set('authorization', credential);
    const reply = await (body === undefined ? asked : asked.send(body as object));
    return { status: reply.status, body: reply.body, headers: reply.headers };
  };
}

const verbs = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

async function readMails(folder: string): Promise<Email[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.filter((name) => name.endsWith('.eml')).map(async (name) => PostalMime.parse(await readFile(join(folder, name)))));
}

/** A test that waits longer has failed, and should say for what. */
const SETTLED_WITHIN_MS = 25_000;
const ASK_EVERY_MS = 10;

async function settled({ dependencies }: Service, withinMs = SETTLED_WITHIN_MS): Promise<void> {
  const undone = 'select id, type, attempts, last_error from stripe_events where due_at is not null union all select id::text, kind, attempts, last_error from messages where due_at is not null limit 5';
  const began = performance.now();
  for (;;) {
    const waiting = await dependencies.database.em.fork().execute<unknown[]>(undone);
    if (waiting.length === 0) return;
    if (performance.now() - began > withinMs) throw new Error(`still undone: ${JSON.stringify(waiting)}`);
    // Asking without a pause would take the time from those who work.
    await setTimeout(ASK_EVERY_MS);
  }
}
