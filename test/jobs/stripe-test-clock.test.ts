import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { query, reading } from '../../src/database/orm.ts';
import { applyStripeEventJob } from '../../src/jobs/apply-stripe-event.ts';
import { startTestService, LIVE_KEY, LIVE_SECRET, type TestService } from '../support/service.ts';
import { stripeReader } from '../support/stripe-reader.ts';
import { deliver, event } from '../support/webhook.ts';

/** Stripe's own test clocks move the time of test data. */

let tillkey: TestService;
const START = new Date();
const day = (n: number) => new Date(Math.floor(START.getTime() / 1000) * 1000 + n * 86_400_000);

beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  tillkey.clock.set(START);
});
afterAll(() => tillkey.stop());
beforeEach(() => tillkey.call('DELETE', '/api/v1/test-clock'));

const clockAt = (time: Date, change: object = {}) => ({ id: 'clock_1', object: 'test_helpers.test_clock', frozen_time: time.getTime() / 1000, status: 'ready', ...change });
const ready = (time: Date, change: object = {}) => event('test_helpers.test_clock.ready', clockAt(time, change));
const scopeId = (mode = 'test') => tillkey.service.dependencies.scopes.find((scope) => scope.mode === mode)!.id;
const stored = async (id: string) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;
const time = async () => (await tillkey.call('GET', '/api/v1/test-clock')).body.data;
const rehearsing = (to: Date) => ({ now: to.toISOString(), active: true });

async function apply(sent: ReturnType<typeof event>, change: object = {}): Promise<any> {
  await deliver(tillkey.url, sent);
  await applyStripeEventJob({ ...tillkey.service.dependencies, ...change }, { scopeId: scopeId(), id: sent.id });
  return stored(sent.id);
}

test('a clock that is ready ahead of us takes us along; an older one, or the same, changes nothing', async () => {
  expect(await apply(ready(day(30)))).toMatchObject({ outcome: 'applied', reason: expect.stringContaining(day(30).toISOString()) });
  expect(await time()).toEqual(rehearsing(day(30)));
  for (const to of [day(20), day(30), day(-400)]) expect(await apply(ready(to))).toMatchObject({ outcome: 'applied' });
  expect(await time()).toEqual(rehearsing(day(30)));
  await apply(ready(day(40)));
  expect(await time()).toEqual(rehearsing(day(40)));
});

test.each([
  ['that is still advancing', { status: 'advancing' }, 'applied', 'Noted'],
  ['of a status nobody knows', { status: 'rewound' }, 'needs_attention', 'rewound'],
  ['without a time', { frozen_time: 'noon' }, 'needs_attention', 'shape'],
  ['twenty years ahead', { frozen_time: day(20 * 366).getTime() / 1000 }, 'needs_attention', '10 years'],
])('a clock %s moves nothing', async (_title, change, outcome, reason) => {
  expect(await apply(ready(day(30), change))).toMatchObject({ outcome, reason: expect.stringContaining(reason) });
  expect(await time()).toMatchObject({ active: false });
});

test('there is none in live mode', async () => {
  const sent = event('test_helpers.test_clock.ready', clockAt(day(30)), { livemode: true });
  await deliver(tillkey.url, sent, { secret: LIVE_SECRET });
  await applyStripeEventJob(tillkey.service.dependencies, { scopeId: scopeId('live'), id: sent.id });
  expect((await tillkey.call('GET', `/api/v1/stripe-events/${sent.id}`, { key: LIVE_KEY })).body.data).toMatchObject({ outcome: 'ignored' });
  expect(await query(reading(tillkey.service.dependencies.database), sql`select 1 from test_clocks`)).toEqual([]);
});

test('while somebody else moves the clock the event waits, costs no attempt, and is applied then', async () => {
  const to = day(10);
  const until = (moment: Date | null) => query(reading(tillkey.service.dependencies.database), sql`
    insert into test_clocks (scope_id, now, moving_until) values (${scopeId()}, ${day(1)}, ${moment}) on conflict (scope_id) do update set moving_until = excluded.moving_until`);
  await until(new Date(START.getTime() + 5_000));
  const sent = ready(to);
  expect(await apply(sent)).toMatchObject({ outcome: null, attempts: 0, lastError: expect.stringContaining('being moved') });
  await until(null);
  expect(await apply(sent)).toMatchObject({ outcome: 'applied', attempts: 1 });
  expect(await time()).toEqual(rehearsing(to));
});

test('a preview of it moves nothing', async () => {
  const { status, body } = await tillkey.call('POST', '/api/v1/stripe-mappings/preview', { body: { event: ready(day(30)) } });
  expect([status, body.data.outcome, await time()]).toEqual([200, 'applied', { now: START.toISOString(), active: false }]);
});

test('a thin event of it is completed, and moves it', async () => {
  const thin = event('v1.test_helpers.test_clock.ready', {}, { object: 'v2.core.event', data: undefined, related_object: { id: 'clock_1', url: '/v1/test_helpers/test_clocks/clock_1' }, created: START.toISOString() as never });
  const stripe = { ...stripeReader(async () => null), objectAt: async (path: string) => (path.endsWith('/clock_1') ? clockAt(day(30)) : null) };
  expect(await apply(thin, { stripeOf: async () => stripe })).toMatchObject({ outcome: 'applied' });
  expect(await time()).toEqual(rehearsing(day(30)));
});

test('the clock is moved before the event is stamped: what dies in between is done again and comes to the same', async () => {
  const sent = ready(day(30));
  const dying = { timeOf: async (scope: any) => {
    const now = await tillkey.service.dependencies.timeOf(scope);
    if (now > day(1)) throw new Error('killed');
    return now;
  } };
  expect(await apply(sent, dying)).toMatchObject({ outcome: null });
  expect(await time()).toEqual(rehearsing(day(30)));
  expect(await apply(sent)).toMatchObject({ outcome: 'applied', attempts: 2 });
});
