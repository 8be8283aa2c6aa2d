import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applyStripeEventJob } from '../../src/jobs/apply-stripe-event.ts';
import { reconciliations } from '../../src/jobs/reconcile.ts';
import { stripeEventTypes } from '../../src/billing/core/read-stripe.ts';
import { lastDue, reconcileByClock } from '../../src/jobs/reconcile-by-clock.ts';
import { sendEmailJob } from '../../src/jobs/send-email.ts';
import type { ReconciliationKind } from '../../src/reconciliations.ts';
import { createCatalog } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import type { FakeEvent } from '../support/fake-stripe/state.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, type TestClock, testClock, TEST_SECRET, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const START = new Date('2026-01-10T12:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Every object is fetched. */
const STORY_TIMEOUT_MS = 120_000;
const RECONCILED = 'tillkey.subscription_reconciled';

let clock: TestClock;
let stripe: FakeStripe;
let priceId: string;
let services: TestService[];
beforeEach(async () => {
  [clock, services] = [testClock(START), []];
  stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
  ({ priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 }));
});
afterEach(async () => {
  for (const service of services.reverse()) await service.stop();
  await stripe.close();
});

const pass = (ms: number) => clock.set(new Date(clock.now().getTime() + ms));

type Choice = { role?: 'all' | 'web'; fresh?: boolean; databaseUrl?: string; environment?: Record<string, string> };

/** A service whose schedule stands still, unless it plays `all` roles: what is enqueued is done, and the tests say when to reconcile. */
async function start({ role = 'web', fresh = true, ...choice }: Choice = {}): Promise<TestService> {
  const environment = { STRIPE_TEST_SECRET_KEY: 'sk_test_fake', STRIPE_API_BASE: stripe.url, ...choice.environment };
  const service = await startTestService({ role, clock, ...choice, environment });
  const { dependencies } = service.service;
  if (role === 'web') {
    dependencies.queues.work('stripe-events', 8, (ref) => applyStripeEventJob(dependencies, ref));
    dependencies.queues.work('messages', 4, (message) => sendEmailJob(dependencies, message));
  }
  services.push(service);
  if (fresh) await createCatalog(service, { stripePriceId: priceId });
  return service;
}

/** A reconciliation by hand of the test side. */
async function reconcile({ service }: TestService, kind: ReconciliationKind) {
  const { scopes, stripeOf } = service.dependencies;
  const scope = scopes.find(({ mode }) => mode === 'test')!;
  return reconciliations[kind](service.dependencies, { scope, since: null }, (await stripeOf(scope))!, () => undefined);
}

async function reconcileAll(tillkey: TestService) {
  const events = await reconcile(tillkey, 'events');
  await tillkey.settled();
  const subscriptions = await reconcile(tillkey, 'subscriptions');
  await tillkey.settled();
  return { events, subscriptions };
}

const data = async (tillkey: TestService, path: string): Promise<any[]> => (await tillkey.call('GET', `/api/v1${path}?limit=100`)).body.data;

/** Licenses, customers and mails with keys as an outsider sees them, without what every database makes its own: ids and keys. */
async function standing(tillkey: TestService) {
  const licenses = await data(tillkey, '/licenses');
  const mails = (await tillkey.mails()).filter(({ subject }) => /^Your .* license keys?$/.test(subject ?? ''));
  return {
    licenses: licenses.map(({ status, expiresAt, billing: { mappingId, ...billing }, userEmail, key }) => ({ status, expiresAt, billing, userEmail, mapped: mappingId !== null, mailed: mails.filter(({ text }) => text?.includes(key)).length })).sort(byText),
    customers: (await data(tillkey, '/customers')).map(({ email, name, stripeCustomerIds }) => ({ email, name, stripeCustomerIds })).sort(byText),
    mails: mails.map(({ to, subject, text }) => [to, subject, text?.match(/ACME(-[0-9A-Z]{4}){4}/g)?.length]).sort(byText),
  };
}

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const outcomes = async (tillkey: TestService) => (await data(tillkey, '/stripe-events')).map(({ id, type, outcome }) => ({ id, type, outcome })).sort(byText);

/** Four days at Stripe. `deliver` hears of the events of each moment. */
async function fourDays(deliver: (events: FakeEvent[]) => Promise<void>): Promise<void> {
  const buyers = ['ada', 'bob', 'cat', 'dan'].map((name) => stripe.buySubscription({ email: `${name}@example.com`, name, priceId }));
  const trial = stripe.buySubscription({ email: 'eve@example.com', priceId, trialDays: 3 });
  const later = stripe.buyOnce({ email: 'fay@example.com', priceId, paid: false });
  await deliver([...buyers, trial, later].flatMap(({ events }) => events));
  pass(DAY_MS);
  await deliver([...stripe.scheduleCancel(buyers[0]!.subscriptionId), ...stripe.settleAsyncPayment(later.sessionId, true)]);
  pass(DAY_MS);
  const guest = stripe.buyOnce({ email: 'gus@example.com', priceId, quantity: 3, guest: true });
  await deliver([...stripe.cancelNow(buyers[1]!.subscriptionId), ...stripe.failRenewal(buyers[2]!.subscriptionId), ...guest.events]);
  pass(DAY_MS);
  await deliver([...stripe.endTrial(trial.subscriptionId), ...stripe.renew(buyers[3]!.subscriptionId), ...stripe.failRenewal(buyers[3]!.subscriptionId)]);
  pass(DAY_MS);
  const [refunded, disputed] = [later, guest].map(({ sessionId }) => stripe.chargesOf(sessionId)[0]);
  await deliver([...stripe.retryPayment(buyers[3]!.subscriptionId, true), ...stripe.refund(refunded!).events, ...stripe.dispute(disputed!).events]);
}

describe('after four days of silence', () => {
  test('licenses, customers and mails equal those of live processing, and reconciling again, or twice at once, changes nothing', async () => {
    const [live, silent] = [await start(), await start()];
    await fourDays(async (events) => {
      await stripe.deliver(events, { url: `${live.url}/webhooks/stripe` });
      await live.settled();
    });
    expect(await data(silent, '/stripe-events')).toEqual([]);

    const found = await reconcileAll(silent);
    const expected = await standing(live);
    expect(expected.licenses).toHaveLength(9);
    expect(await standing(silent)).toEqual(expected);
    expect(found.events.received).toBe((await data(silent, '/stripe-events')).length);
    expect(found.subscriptions).toEqual({ listed: 5, received: 0 });

    const before = [await outcomes(silent), await standing(silent)];
    pass(60_000);
    expect(await reconcileAll(silent)).toMatchObject({ events: { received: 0 }, subscriptions: { received: 0 } });
    await Promise.all([reconcileAll(silent), reconcileAll(silent), reconcileAll(live)]);
    expect([await outcomes(silent), await standing(silent)]).toEqual(before);
  }, STORY_TIMEOUT_MS);

  test('two at once store and mail everything once', async () => {
    const [live, silent] = [await start(), await start()];
    await fourDays(async (events) => {
      await stripe.deliver(events, { url: `${live.url}/webhooks/stripe` });
      await live.settled();
    });
    await Promise.all([reconcileAll(silent), reconcileAll(silent)]);
    expect(await standing(silent)).toEqual(await standing(live));
  }, STORY_TIMEOUT_MS);

  test('a worker that starts again catches up by itself', async () => {
    const database = await createDatabase();
    await start({ role: 'all', databaseUrl: database.url });
    await services.pop()?.stop();
    const bought = stripe.buySubscription({ email: 'jo@example.com', priceId });
    pass(4 * DAY_MS);
    const again = await start({ role: 'all', databaseUrl: database.url, fresh: false });
    await until(async () => (await data(again, '/licenses')).length > 0);
    await again.settled();
    expect((await outcomes(again)).filter(({ type }) => type !== RECONCILED).map(({ id }) => id)).toEqual(bought.events.filter(({ type }) => taken(type)).map(({ id }) => id).sort());
    await services.pop()?.stop();
    await database.drop();
  });
});

const taken = (type: string) => /^(checkout\.session\.completed|customer\.subscription\.|invoice\.paid|customer\.updated)/.test(type);

describe('the list of events', () => {
  const buy = (count: number) => Array.from({ length: count }, (_, n) => stripe.buySubscription({ email: `buyer-${n}@example.com`, priceId }));

  test('is followed over pages from where the last time ended, overlapping what Stripe may have listed late', async () => {
    const tillkey = await start();
    buy(30);
    const first = await reconcile(tillkey, 'events');
    expect(first.received).toBe((await stripeEventCount(tillkey)));
    pass(HOUR_MS);
    expect((await reconcile(tillkey, 'events')).listed).toBe(first.listed);
    // Now the cursor stands at the newest event.
    expect((await reconcile(tillkey, 'events')).listed).toBe(0);
    const [late] = buy(1);
    pass(5 * 60_000);
    expect((await reconcile(tillkey, 'events')).received).toBe(late!.events.filter(({ type }) => taken(type)).length);
    // Too young for the cursor: whatever Stripe lists late beside them will be found.
    expect((await reconcile(tillkey, 'events')).listed).toBeGreaterThan(0);
  });

  test('begins anew with the oldest event where Stripe no longer knows the cursor', async () => {
    const tillkey = await start();
    buy(2);
    pass(HOUR_MS);
    await reconcile(tillkey, 'events');
    pass(31 * DAY_MS);
    const [bought] = buy(1);
    expect((await reconcile(tillkey, 'events')).received).toBe(bought!.events.filter(({ type }) => taken(type)).length);
  });

  test('does not tell of what is older than thirty days; the list of subscriptions does', async () => {
    const tillkey = await start();
    const [bought, gone] = buy(2);
    pass(DAY_MS);
    stripe.cancelNow(gone!.subscriptionId);
    pass(31 * DAY_MS);
    expect(await reconcileAll(tillkey)).toEqual({ events: { listed: 0, received: 0 }, subscriptions: { listed: 2, received: 1 } });
    expect(await data(tillkey, '/licenses')).toMatchObject([{ billing: { stripeSubscriptionId: bought!.subscriptionId } }]);
    expect(await outcomes(tillkey)).toMatchObject([{ type: RECONCILED, outcome: 'applied' }]);
  });

  test('may hold an event that cannot be applied: the others are stored and applied all the same', async () => {
    const tillkey = await start();
    const [poisoned] = buy(3);
    const { database } = tillkey.service.dependencies;
    await database.em.fork().execute(`create function poison() returns trigger language plpgsql as $$ begin raise 'poisoned'; end $$`);
    await database.em.fork().execute(`create trigger poison before insert on stripe_facts for each row when (new.purchase_id = '${poisoned!.subscriptionId}') execute function poison()`);
    await reconcile(tillkey, 'events');
    await until(async () => (await data(tillkey, '/licenses')).length >= 2);
    const undone = (await data(tillkey, '/stripe-events')).filter(({ outcome }) => outcome === null);
    expect(undone.length).toBeGreaterThan(0);
    expect(await reconcile(tillkey, 'events')).toMatchObject({ received: 0 });
  });
});

const stripeEventCount = async ({ service }: TestService) => Number((await service.dependencies.database.em.fork().execute<{ n: string }[]>('select count(*) as n from stripe_events'))[0]!.n);

describe('the list of subscriptions', () => {
  test('shows what no event told of, once, as an event of our own', async () => {
    const tillkey = await start();
    const bought = stripe.buySubscription({ email: 'jo@example.com', priceId });
    await stripe.deliver(bought.events, { url: `${tillkey.url}/webhooks/stripe` });
    await tillkey.settled();
    pass(DAY_MS);
    expect(await reconcile(tillkey, 'subscriptions')).toEqual({ listed: 1, received: 0 });
    stripe.cancelNow(bought.subscriptionId);
    expect(await reconcile(tillkey, 'subscriptions')).toEqual({ listed: 1, received: 1 });
    await tillkey.settled();
    expect(await data(tillkey, '/licenses')).toMatchObject([{ status: 'expired', billing: { state: 'ENDED', reason: 'CANCELED' } }]);
    expect((await data(tillkey, '/stripe-events'))[0]).toMatchObject({ id: `reconciled_${bought.subscriptionId}_${clock.now().getTime() / 1000}`, type: RECONCILED, outcome: 'applied', objectId: bought.subscriptionId });
    pass(DAY_MS);
    expect(await reconcile(tillkey, 'subscriptions')).toEqual({ listed: 1, received: 0 });
  });

  test('of two who find the same at once, lets one put it into the inbox', async () => {
    const tillkey = await start();
    const { subscriptionId } = stripe.buySubscription({ email: 'jo@example.com', priceId });
    const { id: scopeId } = tillkey.service.dependencies.scopes.find(({ mode }) => mode === 'test')!;
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select pg_advisory_xact_lock(hashtextextended($1, $2))', [subscriptionId, scopeId]);
      await run(`insert into stripe_events (scope_id, id, type, livemode, object_id, payload, thin, created_at, received_at, attempts, due_at)
        values ($1, 'reconciled_by_the_other', $2, false, $3, '{}', false, now(), now(), 0, now())`, [scopeId, RECONCILED, subscriptionId]);
      expect(await commitOnce(reconcile(tillkey, 'subscriptions'))).toEqual({ listed: 1, received: 0 });
    });
  });

  test('makes nobody a license who has none and whose subscription has ended', async () => {
    const tillkey = await start();
    stripe.cancelNow(stripe.buySubscription({ email: 'jo@example.com', priceId }).subscriptionId);
    expect(await reconcile(tillkey, 'subscriptions')).toEqual({ listed: 1, received: 0 });
  });

  test('is followed over pages', async () => {
    const tillkey = await start();
    for (let n = 0; n < 101; n += 1) stripe.buySubscription({ email: `buyer-${n}@example.com`, priceId });
    expect(await reconcile(tillkey, 'subscriptions')).toEqual({ listed: 101, received: 101 });
  });
});

describe('by the clock', () => {
  test.each([
    ['events', '2026-01-10T12:00:00Z', '2026-01-10T11:00:00.000Z'],
    ['subscriptions', '2026-01-10T12:00:00Z', '2026-01-10T03:00:00.000Z'],
    ['subscriptions', '2026-01-10T02:59:59Z', '2026-01-09T03:00:00.000Z'],
  ] as const)('%s are due at %s if they were last gone through by %s', (kind, now, due) => {
    expect(lastDue(kind, new Date(now)).toISOString()).toBe(due);
  });

  test('a reconciliation runs when it is due, in one of two workers, and again only when it is due again', async () => {
    const tillkey = await start();
    const run = () => reconcileByClock(tillkey.service.dependencies, 'events', () => false);
    await run();
    const asked = stripe.requests;
    pass(HOUR_MS);
    await Promise.all([run(), run()]);
    expect(stripe.requests - asked).toBe(CALLS);
    await run();
    expect(stripe.requests - asked).toBe(CALLS);
    pass(HOUR_MS);
    await run();
    expect(stripe.requests - asked).toBe(2 * CALLS);
  });

  test('one that Stripe did not answer is due as before', async () => {
    const tillkey = await start();
    const run = () => reconcileByClock(tillkey.service.dependencies, 'events', () => false);
    await run();
    stripe.buySubscription({ email: 'jo@example.com', priceId });
    pass(HOUR_MS);
    stripe.failNext(3, 500);
    await run();
    expect(await stripeEventCount(tillkey)).toBe(0);
    await run();
    expect(await stripeEventCount(tillkey)).toBeGreaterThan(0);
  });

  test('one whose process died is taken over, not before it has been silent for a while', async () => {
    const tillkey = await start();
    const { database } = tillkey.service.dependencies;
    const run = () => reconcileByClock(tillkey.service.dependencies, 'events', () => false);
    await run();
    pass(HOUR_MS);
    stripe.buySubscription({ email: 'jo@example.com', priceId });
    await database.em.fork().execute(`update stripe_reconciliations set claimed_until = '${new Date(clock.now().getTime() + 60_000).toISOString()}'`);
    await run();
    expect(await stripeEventCount(tillkey)).toBe(0);
    pass(60_000);
    await run();
    expect(await stripeEventCount(tillkey)).toBeGreaterThan(0);
  });

  test('what was sold before Tillkey knew the key is left alone', async () => {
    stripe.buySubscription({ email: 'long-ago@example.com', priceId });
    pass(2 * HOUR_MS);
    const tillkey = await start();
    const run = async () => {
      for (const kind of ['events', 'subscriptions'] as const) await reconcileByClock(tillkey.service.dependencies, kind, () => false);
    };
    await run();
    const sold = stripe.buySubscription({ email: 'jo@example.com', priceId });
    pass(DAY_MS);
    await run();
    const objects = (await tillkey.call('GET', '/api/v1/stripe-events?limit=100')).body.data.map(({ objectId }: { objectId: string }) => objectId);
    expect(new Set(objects)).toEqual(new Set(sold.events.filter(({ type }) => stripeEventTypes.includes(type)).map(({ data }) => data.object.id)));
  });

  test('a scope without a Stripe key is left out', async () => {
    const tillkey = await start({ environment: { STRIPE_TEST_SECRET_KEY: '' } });
    pass(DAY_MS);
    const asked = stripe.requests;
    await reconcileByClock(tillkey.service.dependencies, 'events', () => false);
    expect(stripe.requests).toBe(asked);
  });
});

/** Types are asked for twenty at a time; where there is no event, one call each. */
const CALLS = 2;
