import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { giveUpEvent } from '../../src/billing/stamp-events.ts';
import { receiveEvent } from '../../src/inbox.ts';
import { readEnvelope } from '../../src/billing/core/envelope.ts';
import { createLicense, validate } from '../support/license.ts';
import { backends, startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { event } from '../support/webhook.ts';

let tillkey: TestService;
beforeEach(async () => {
  tillkey = await startTestService({ role: 'web' });
});
afterEach(() => tillkey.stop());

async function scrape(): Promise<string[]> {
  const response = await fetch(`${tillkey.url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  return (await response.text()).split('\n');
}

const sql = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);

/** An endpoint and a delivery to it, owed for `seconds`. */
async function storeDelivery({ seconds = 0, failing = false, done }: { seconds?: number; failing?: boolean; done?: 'delivered_at' | 'failed_at' }): Promise<string> {
  const scopeId = tillkey.service.dependencies.scopes[0]!.id;
  const [endpointId, eventId, id, at] = [randomUUID(), randomUUID(), randomUUID(), new Date(tillkey.clock.now().getTime() - seconds * 1000)];
  await sql(`insert into webhook_endpoints (id, scope_id, url, events, secret_sealed, failing_since, created_at, updated_at) values (?, ?, 'https://example.com', '{*}', '', ?, ?, ?)`, [endpointId, scopeId, failing ? at : null, at, at]);
  await sql(`insert into events (id, scope_id, type, data, created_at) values (?, ?, 'customer.created', '{}', ?)`, [eventId, scopeId, at]);
  await sql(`insert into webhook_deliveries (id, scope_id, endpoint_id, event_id, created_at, ${done ?? 'due_at'}) values (?, ?, ?, ?, ?, ?)`, [id, scopeId, endpointId, eventId, at, at]);
  return id;
}

/** Puts an event into the inbox, `seconds` ago. */
async function store(mode: 'live' | 'test', seconds = 0): Promise<{ scopeId: number; id: string }> {
  const { database, scopes } = tillkey.service.dependencies;
  const scope = scopes.find((candidate) => candidate.mode === mode)!;
  const payload = JSON.stringify(event('invoice.paid', { id: 'in_1' }, { livemode: mode === 'live' }));
  const envelope = readEnvelope(payload)!;
  await receiveEvent(database, scope, { envelope, payload }, new Date(tillkey.clock.now().getTime() - seconds * 1000));
  return { scopeId: scope.id, id: envelope.id };
}

describe('/metrics', () => {
  test('counts events by mode and outcome, those not done too, and tells how long the oldest has waited', async () => {
    await store('live', 90);
    await store('test', 40);
    await giveUpEvent(tillkey.service.dependencies.database, await store('test'), 'broken', tillkey.clock.now());
    expect(await scrape()).toEqual(expect.arrayContaining([
      'tillkey_stripe_events{mode="live",outcome="pending"} 1',
      'tillkey_stripe_events{mode="live",outcome="failed"} 0',
      'tillkey_stripe_events{mode="test",outcome="pending"} 1',
      'tillkey_stripe_events{mode="test",outcome="failed"} 1',
      'tillkey_stripe_events{mode="test",outcome="applied"} 0',
      'tillkey_stripe_events_oldest_pending_seconds 90',
    ]));
  });

  test('counts messages that wait and that were given up', async () => {
    const { database, scopes, clock } = tillkey.service.dependencies;
    const insert = (column: 'due_at' | 'failed_at', at: Date) => database.em.fork().execute(
      `insert into messages (id, scope_id, kind, recipient, data, attempts, created_at, ${column}) values (gen_random_uuid(), ?, 'key_delivery', 'jo@example.com', '{}', 0, ?, ?)`, [scopes[0]!.id, at.toISOString(), at.toISOString()],
    );
    await insert('due_at', new Date(clock.now().getTime() - 30_000));
    await insert('failed_at', clock.now());
    expect(await scrape()).toEqual(expect.arrayContaining(['tillkey_messages{state="pending"} 1', 'tillkey_messages{state="failed"} 1', 'tillkey_messages_oldest_pending_seconds 30']));
  });

  test('counts deliveries by their result, and tells how long the oldest has waited', async () => {
    for (const [waits, done] of [[20, null], [500, 'delivered_at'], [500, 'failed_at']] as const) await storeDelivery({ seconds: waits, ...(done && { done }) });
    expect(await scrape()).toEqual(expect.arrayContaining([
      ...['pending', 'succeeded', 'failed'].map((result) => `tillkey_webhook_deliveries{result="${result}"} 1`), 'tillkey_webhook_deliveries_oldest_pending_seconds 20',
    ]));
  });

  test('counts licenses by mode and the status that was told last, and validations of this process by code', async () => {
    const licenses = [await createLicense(tillkey, { policy: { requireFingerprint: false } }), await createLicense(tillkey), await createLicense(tillkey)];
    await sql(`update licenses set told_status = 'suspended' where id = ?`, [licenses[1].id]);
    await tillkey.call('DELETE', `/api/v1/licenses/${licenses[2].id}`);
    for (const [key, product] of [[licenses[0].key], [licenses[0].key], [licenses[0].key, 'OTHER'], ['no-such-key']]) await validate(tillkey, { key: key! }, product === undefined ? {} : { product });
    expect(await scrape()).toEqual(expect.arrayContaining([
      'tillkey_licenses{mode="test",status="active"} 1', 'tillkey_licenses{mode="test",status="suspended"} 1', 'tillkey_licenses{mode="live",status="active"} 0',
      'tillkey_validations_total{code="VALID"} 2', 'tillkey_validations_total{code="PRODUCT_MISMATCH"} 1', 'tillkey_validations_total{code="NOT_FOUND"} 1', 'tillkey_validations_total{code="EXPIRED"} 0',
    ]));
  });

  test('asks the database once, however often it is scraped', async () => {
    const before = await scrape();
    await store('test');
    expect(await scrape()).toEqual(before);
  });
});

test('/readyz tells how many events were given up, and stays ready', async () => {
  await giveUpEvent(tillkey.service.dependencies.database, await store('test'), 'broken', tillkey.clock.now());
  expect(await tillkey.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready', failedEvents: 1 } });
});

test('/readyz says no when nobody takes up what came, and not when Stripe is away', async () => {
  const { database } = tillkey.service.dependencies;
  const { id } = await store('test');
  tillkey.clock.set(new Date(tillkey.clock.now().getTime() + 16 * 60_000));
  expect(await tillkey.call('GET', '/readyz')).toMatchObject({ status: 503, body: { checks: { inbox: false } } });
  await database.em.fork().execute(`update stripe_events set last_error = 'Stripe did not answer.' where id = ?`, [id]);
  expect(await tillkey.call('GET', '/readyz')).toMatchObject({ status: 200, body: { checks: { inbox: true } } });
});

describe('/readyz and deliveries', () => {
  const deliveries = async () => (await tillkey.call('GET', '/readyz')).body.checks.deliveries;

  test('says no when nobody tries those that wait', async () => {
    const id = await storeDelivery({ seconds: 16 * 60 });
    expect(await tillkey.call('GET', '/readyz')).toMatchObject({ status: 503, body: { checks: { deliveries: false }, oldestSeconds: { inbox: 0, outbox: 0, deliveries: 16 * 60 } } });
    await sql('update webhook_deliveries set last_attempt_at = created_at where id = ?', [id]);
    expect(await deliveries()).toBe(true);
  });

  test('stays ready where an endpoint fails, or is so slow that others wait behind it', async () => {
    await storeDelivery({ seconds: 16 * 60, failing: true });
    expect(await deliveries()).toBe(true);
    await storeDelivery({ seconds: 16 * 60 });
    expect(await deliveries()).toBe(false);
    await sql('update webhook_deliveries set last_attempt_at = ? where id = ?', [tillkey.clock.now(), await storeDelivery({ done: 'delivered_at' })]);
    expect(await deliveries()).toBe(true);
  });
});

describe.each(backends())('with the queues in %s,', (backend) => {
  test('/metrics tells how full they are, and of each job how often it ran, failed and how long it took, across a restart', async () => {
    const web = await startTestService({ role: 'web', backend, databaseUrl: tillkey.databaseUrl });
    const { queues } = web.service.dependencies;
    const name = `job-on-${backend}`;
    await queues.enqueue('messages', { id: 'later' }, 3_600_000);
    let runs = 0;
    queues.work('schedule', 1, async () => {
      if ((runs += 1) === 2) throw new Error('broken');
    });
    for (let n = 0; n < 3; n += 1) await queues.enqueue('schedule', { name });
    await until(() => runs === 3);
    expect((await queues.depths())?.messages).toEqual({ waiting: 0, delayed: 1, active: 0 });
    expect((await web.call('GET', '/readyz')).body.queues).toMatchObject({ messages: { delayed: 1 } });
    expect(await (await fetch(`${web.url}/metrics`)).text()).toContain('tillkey_queue_depth{queue="messages",state="delayed"} 1');
    await web.stop();
    const page = await scrape();
    expect(page).toEqual(expect.arrayContaining([`tillkey_job_runs_total{job="${name}"} 3`, `tillkey_job_failures_total{job="${name}"} 1`]));
    for (const metric of ['duration_seconds_total', 'last_duration_seconds', 'last_run_timestamp_seconds']) expect(page.some((line) => line.startsWith(`tillkey_job_${metric}{job="${name}"}`))).toBe(true);
  });
});
