import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { giveUpEvent } from '../../src/billing/stamp-events.ts';
import { receiveEvent } from '../../src/inbox.ts';
import { readEnvelope } from '../../src/billing/core/envelope.ts';
import { startTestService, type TestService } from '../support/service.ts';
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
