import { afterEach, expect, test } from '@jest/globals';
import { createCatalog } from '../catalog.ts';
import { startTestService, testClock, TEST_SECRET, type TestService } from '../service.ts';
import { startFakeStripe, type FakeStripe } from './fake-stripe.ts';
import type { FakeEvent, Shape } from './state.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

async function run(shape: Shape, seed: number | null, keyed: boolean, until: string) {
  const clock = testClock(new Date('2026-01-31T10:20:30Z'));
  const fake: FakeStripe = await startFakeStripe({ shape, now: clock.now, webhookSecret: TEST_SECRET, seed: 7 });
  open.push(fake.close);
  const tillkey: TestService = await startTestService({ clock, environment: { STRIPE_API_BASE: fake.url, ...(keyed && { STRIPE_TEST_SECRET_KEY: 'sk_test_123' }) } });
  open.push(tillkey.stop);
  const { priceId } = fake.createProductAndPrice({ productName: 'Editor', recurring: 'month', unitAmount: 900 });
  await createCatalog(tillkey, { stripePriceId: priceId });
  const all: FakeEvent[] = [];
  const purchase = fake.buySubscription({ email: 'ada@buyer.example', name: 'Ada', priceId, ...(until === 'trial' && { trialDays: 14 }) });
  all.push(...purchase.events);
  const id = purchase.subscriptionId;
  const step = (name: string, date: string, f: () => FakeEvent[]) => { clock.set(new Date(date)); all.push(...f()); return name === until; };
  void (
    until === 'trial' ||
    (until === 'trialend' && step('trialend', '2026-02-14T10:20:30Z', () => [])) ||
    step('renew', '2026-02-28T10:20:30Z', () => fake.renew(id)) ||
    step('fail', '2026-03-31T10:20:30Z', () => fake.failRenewal(id)) ||
    step('retryfail', '2026-04-03T10:20:30Z', () => fake.retryPayment(id, false)) ||
    step('retryok', '2026-04-06T10:20:30Z', () => fake.retryPayment(id, true)) ||
    step('schedule', '2026-04-06T10:20:30Z', () => fake.scheduleCancel(id)) ||
    step('cancel', '2026-04-30T10:20:30Z', () => fake.cancelNow(id))
  );
  const answers = await fake.deliver(all, { url: `${tillkey.url}/webhooks/stripe` }, seed === null ? {} : { shuffle: true, seed, duplicate: 2, concurrency: 3 });
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  await tillkey.settled();
  const licenses = (await tillkey.call('GET', '/api/v1/licenses')).body.data;
  const events = (await tillkey.call('GET', '/api/v1/stripe-events?limit=100')).body.data;
  const verdict = licenses[0] && (await tillkey.call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: licenses[0].key } })).body.data.code;
  const outcome = {
    n: licenses.length, status: licenses[0]?.status, expiresAt: licenses[0]?.expiresAt, billing: licenses[0]?.billing, verdict,
    mails: (await tillkey.mails()).length,
    events: events.filter((e: any) => e.outcome !== 'ignored').map((e: any) => `${e.type} ${e.outcome} ${e.reason}`).sort(),
    strange: events.filter((e: any) => e.outcome === null || e.outcome === 'failed' || e.outcome === 'needs_attention'),
  };
  for (const close of open.splice(0).reverse()) await close();
  return outcome;
}

for (const until of ['trial', 'renew', 'fail', 'retryfail', 'retryok', 'schedule', 'cancel']) {
  for (const keyed of [true, false]) {
    test(`${until} ${keyed ? 'keyed' : 'keyless'}`, async () => {
      const inOrder = await run('basil', null, keyed, until);
      console.log(until, keyed, JSON.stringify({ ...inOrder, events: inOrder.events.length }));
      for (const shape of ['acacia', 'basil'] as const) for (const seed of [1, 2, 3, 4]) {
        const got = await run(shape, seed, keyed, until);
        try { expect(got).toEqual(inOrder); } catch (e) { console.log('DIFF', until, keyed, shape, seed, String(e).slice(0, 1500)); throw new Error('diff'); }
      }
    }, 300_000);
  }
}
