import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { applyStripeEvent } from '../../src/billing/apply-stripe-event.ts';
import { readEvent } from '../../src/billing/core/read-stripe.ts';
import { sendEmailJob } from '../../src/jobs/send-email.ts';
import { sweep } from '../../src/jobs/sweep.ts';
import { createCatalog } from '../support/catalog.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { deliver, event, firstMonth, type RawEvent } from '../support/webhook.ts';

/** The guards in the database, each met head on: by two at the same moment, or by a statement that goes around the code. */
let tillkey: TestService;
let other: pg.Client;
let enqueued: { queue: string; payload: any }[] = [];
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  await createCatalog(tillkey);
  other = new pg.Client({ connectionString: tillkey.databaseUrl });
  await other.connect();
});
afterAll(async () => {
  await other.end();
  await tillkey.stop();
});

const lostQueue = { enqueue: async (queue: string, payload: object) => void enqueued.push({ queue, payload }) };
const dependencies = () => ({ ...tillkey.service.dependencies, queues: lostQueue });
const apply = (sent: RawEvent) =>
  applyStripeEvent(dependencies(), { scope: dependencies().scopes[1]!, eventId: sent.id, read: readEvent(JSON.stringify(sent), 'test'), realNow: tillkey.clock.now() }, null, tillkey.clock.now());

/** A license with its message, by the use case itself. */
async function issue(n: number): Promise<string> {
  const messageIds: string[] = [];
  for (const sent of firstMonth({ n, email: `guard-${n}@example.com` }).events) {
    await deliver(tillkey.url, sent);
    messageIds.push(...(await apply(sent)).messageIds);
  }
  return messageIds[0]!;
}

describe('an event', () => {
  test('that is done is not applied again', async () => {
    const [sent] = firstMonth({ n: 1 }).events;
    await deliver(tillkey.url, sent!);
    expect((await apply(sent!)).finding).not.toBeNull();
    expect(await apply(sent!)).toEqual({ finding: null, messageIds: [] });
  });

  test('that another has in hand is waited for, and then found done', async () => {
    const sent = event('product.created', { id: 'prod_1' });
    await deliver(tillkey.url, sent);
    await other.query('begin');
    await other.query('select 1 from stripe_events where id = $1 for update', [sent.id]);
    const waiting = apply(sent);
    await until(async () => (await other.query('select 1 from pg_locks where not granted')).rowCount !== 0);
    await other.query(`update stripe_events set processed_at = now(), outcome = 'ignored', due_at = null where id = $1`, [sent.id]);
    await other.query('commit');
    expect(await waiting).toEqual({ finding: null, messageIds: [] });
  });

  test('or a message that another has in hand is left alone by the sweep', async () => {
    const id = await issue(2);
    const [sent] = firstMonth({ n: 3 }).events;
    await deliver(tillkey.url, sent!);
    await other.query('begin');
    await other.query('select 1 from stripe_events for update');
    await other.query('select 1 from messages for update');
    enqueued = [];
    await sweep(dependencies());
    await other.query('rollback');
    expect(enqueued).toEqual([]);
    await sweep(dependencies());
    expect(enqueued.map(({ payload }) => payload.id)).toEqual(expect.arrayContaining([sent!.id, id]));
  });
});

test('a mail that one job is sending is not sent by nine others', async () => {
  const id = await issue(4);
  const { promise: sending, resolve: begun } = Promise.withResolvers<void>();
  const { promise: release, resolve: end } = Promise.withResolvers<void>();
  let sent = 0;
  const mailer = { destination: 'test', close: () => undefined, send: async () => {
    sent += 1;
    begun();
    if (sent === 1) await release;
    return { sent: true as const };
  } };
  const first = sendEmailJob({ ...dependencies(), mailer }, { id });
  await sending;
  await Promise.all(Array.from({ length: 9 }, () => sendEmailJob({ ...dependencies(), mailer }, { id })));
  end();
  await first;
  expect(sent).toBe(1);
});

describe('the database refuses', () => {
  const again = (table: string, change: object) => other.query(`insert into ${table} overriding user value select (jsonb_populate_record(r, $1)).* from ${table} r limit 1`, [JSON.stringify(change)]);
  const id = randomUUID();
  beforeAll(() => issue(5));

  test.each([
    ['a second license of one bought unit', 'licenses', { id, key_hash: '\\x01' }, 'licenses_purchase_unique'],
    ['a second license with one key', 'licenses', { id, stripe_item_id: 'si_other' }, 'licenses_key_unique'],
    ['a second customer with one email', 'customers', { id }, 'customers_email_unique'],
    ['a second event with one id', 'stripe_events', {}, 'stripe_events_pkey'],
    ['a second mapping of one price', 'stripe_mappings', { id }, 'stripe_mappings_price_unique'],
    ['a done event without an outcome', 'stripe_events', { id: 'evt_half', outcome: null, processed_at: '2026-01-01' }, 'stripe_events_done_whole'],
    ['a license half bought', 'licenses', { id, key_hash: '\\x01', stripe_item_id: null }, 'licenses_billed_whole'],
  ])('%s', async (_title, table, change, constraint) => {
    await expect(again(table, change)).rejects.toThrow(constraint);
  });
});
