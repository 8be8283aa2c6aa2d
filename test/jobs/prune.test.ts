import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { inTransaction } from '../../src/database/orm.ts';
import { prune } from '../../src/jobs/prune.ts';
import { recordEvents } from '../../src/licensing/record-event.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, testClock, type TestService } from '../support/service.ts';

const DAY_MS = 86_400_000;
const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock, environment: { EVENT_RETENTION_DAYS: '20', DELIVERY_RETENTION_DAYS: '10', IDEMPOTENCY_RETENTION_HOURS: '48' } });
});
afterAll(() => tillkey.stop());

const sql = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);
const run = (stopped = () => false) => prune(tillkey.service.dependencies, stopped);
const scopeId = () => tillkey.service.dependencies.scopes[0]!.id;
const ago = (days: number) => new Date(clock.now().getTime() - days * DAY_MS);
const idAt = (days: number) => v7({ msecs: ago(days).getTime(), random: randomBytes(16) });
const left = async (table: string) => (await sql(`select id from ${table} order by id`)).map(({ id }) => id);

async function event(days: number, createdAt = ago(days)): Promise<string> {
  const id = idAt(days);
  await sql(`insert into events (id, scope_id, type, data, created_at) values (?, ?, 'customer.created', '{}', ?)`, [id, scopeId(), createdAt]);
  return id;
}

let endpointId: string;
async function delivery(days: number, eventId: string, dueAt: Date | null = null): Promise<string> {
  const id = idAt(days);
  await sql('insert into webhook_deliveries (id, scope_id, endpoint_id, event_id, due_at, created_at) values (?, ?, ?, ?, ?, ?)', [id, scopeId(), endpointId, eventId, dueAt, ago(days)]);
  return id;
}

beforeEach(async () => {
  for (const table of ['webhook_deliveries', 'webhook_endpoints', 'events']) await sql(`delete from ${table}`);
  endpointId = v7();
  await sql(`insert into webhook_endpoints (id, scope_id, url, events, secret_sealed, created_at, updated_at) values (?, ?, 'https://example.com', '{*}', '', ?, ?)`, [endpointId, scopeId(), clock.now(), clock.now()]);
});

test('what was kept for long enough goes, and nothing younger', async () => {
  await event(20.01);
  const young = await event(19.99);
  const youngest = await event(19.98);
  await delivery(10.01, young);
  const kept = await delivery(9.99, youngest);
  await run();
  expect([await left('events'), await left('webhook_deliveries')]).toEqual([[young, youngest], [kept]]);
});

test('a delivery is as old as its event, in real time, whatever time its event was told by', async () => {
  const { dependencies } = tillkey.service;
  const events = Array.from({ length: 400 }, () => ({ scopeId: scopeId(), type: 'customer.created' as const, licenseId: null, data: {} }));
  await inTransaction(dependencies.database, (tx) => recordEvents(tx, events, new Date('2036-01-01')));
  await sql('update webhook_deliveries set due_at = null, delivered_at = now()');
  const pruneIn = (days: number) => prune({ ...dependencies, clock: testClock(new Date(Date.now() + days * DAY_MS)) }, () => false);
  await pruneIn(9);
  expect(await left('webhook_deliveries')).toHaveLength(400);
  await pruneIn(11);
  expect(await left('webhook_deliveries')).toEqual([]);
});

test('a delivery that is not done yet stays, and so does the event of any delivery that stays', async () => {
  const [pending, recent] = [await event(90), await event(80)];
  const deliveries = [await delivery(90, pending, clock.now()), await delivery(1, recent)];
  await run();
  expect([await left('events'), await left('webhook_deliveries')]).toEqual([[pending, recent], deliveries]);
  await sql('delete from webhook_deliveries');
  await run();
  expect(await left('events')).toEqual([]);
});

test('age is real: an event that a rehearsal dated a year ahead goes like any other', async () => {
  await event(21, ago(-365));
  const young = await event(1, ago(365));
  await run();
  expect(await left('events')).toEqual([young]);
});

test('thousands go page by page, by two at once, past what somebody holds', async () => {
  const many = Array.from({ length: 2_500 }, () => idAt(30)).sort();
  await sql(`insert into events (id, scope_id, type, data, created_at) select id, ?, 'customer.created', '{}', ? from unnest(?::uuid[]) as id`, [scopeId(), ago(30), `{${many.join()}}`]);
  await withRival(tillkey.databaseUrl, async (rival) => {
    await rival.run('select 1 from events where id = $1 for update', [many[5]]);
    await Promise.all([run(), run()]);
    await rival.run('rollback');
  });
  expect(await left('events')).toEqual([many[5]]);
});

test('an event to which a delivery is being added stays with it', async () => {
  const id = await event(30);
  await withRival(tillkey.databaseUrl, async (rival) => {
    await rival.run('insert into webhook_deliveries (id, scope_id, endpoint_id, event_id, due_at, created_at) values ($1, $2, $3, $4, $5, $5)', [v7(), scopeId(), endpointId, id, clock.now()]);
    await rival.commitOnce(run());
  });
  expect(await left('events')).toEqual([id]);
});

test('a stop ends it after a page', async () => {
  await event(30);
  await run(() => true);
  expect(await left('events')).toHaveLength(1);
});

test('first answers are forgotten when their time is over', async () => {
  for (const [key, hours] of [['old', 49], ['young', 47]] as const) {
    await sql(`insert into idempotency_keys (scope_id, key, request_hash, answer_sealed, created_at) values (?, ?, '', '', ?)`, [scopeId(), key, ago(hours / 24)]);
  }
  await run();
  expect(await sql('select key from idempotency_keys')).toEqual([{ key: 'young' }]);
});
