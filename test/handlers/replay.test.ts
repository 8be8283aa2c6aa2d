import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { LIVE_KEY, LIVE_SECRET, startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService();
});
afterAll(() => tillkey.stop());

const replay = (body: object, key?: string) => tillkey.call('POST', '/api/v1/stripe-events/replay', { body, ...(key && { key }) });
const stored = async (id: string) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;
let n = 0;

/** A purchase of a price of its own, which no mapping knows yet. */
async function buyUnmapped() {
  n += 1;
  const bought = firstMonth({ n, price: `price_${n}`, email: `jo-${n}@example.com` });
  for (const sent of bought.events) await deliver(tillkey.url, sent);
  await tillkey.settled();
  return { ...bought, price: `price_${n}`, ids: bought.events.map(({ id }) => id).sort() };
}

describe('POST /stripe-events/replay', () => {
  let bought: Awaited<ReturnType<typeof buyUnmapped>>;
  beforeEach(async () => {
    bought = await buyUnmapped();
  });

  test('processes what the filter matches again: a price that was mapped since issues its license', async () => {
    await createCatalog(tillkey, { stripePriceId: bought.price });
    const { status, body } = await replay({ objectId: bought.subscription.id });
    expect([status, body.data.count]).toEqual([200, 1]);
    expect(body.data.events).toMatchObject([{ objectId: bought.subscription.id, outcome: 'ignored', reason: expect.stringContaining(bought.price) }]);
    await tillkey.settled();
    expect((await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${bought.subscription.id}`)).body.data).toHaveLength(1);
  });

  test.each([
    ['type', () => ({ type: 'invoice.paid', objectId: bought.invoice.id }), 1],
    ['another type', () => ({ type: 'invoice.voided', objectId: bought.invoice.id }), 0],
    ['outcome', () => ({ outcome: 'ignored', objectId: bought.session.id }), 1],
    ['another outcome', () => ({ outcome: 'failed', objectId: bought.session.id }), 0],
    ['the moment Stripe made them', () => ({ createdAfter: new Date((unix() - 60) * 1000).toISOString(), objectId: bought.session.id }), 1],
    ['a later moment', () => ({ createdAfter: new Date((unix() + 60) * 1000).toISOString(), objectId: bought.session.id }), 0],
  ])('matches by %s', async (_by, filter, count) => {
    expect((await replay({ ...filter(), dryRun: true })).body.data.count).toBe(count);
  });

  test('changes nothing on a dry run, and shows what it would', async () => {
    const before = await Promise.all(bought.ids.map(stored));
    const { body } = await replay({ createdAfter: '2020-01-01T00:00:00Z', dryRun: true });
    expect(body.data.events).toEqual(expect.arrayContaining(before));
    await tillkey.settled();
    expect(await Promise.all(bought.ids.map(stored))).toEqual(before);
  });

  test('goes through any number in batches, each once, and shows the newest hundred', async () => {
    await tillkey.service.dependencies.database.em.fork().execute(
      `insert into stripe_events (scope_id, id, type, livemode, payload, thin, created_at, received_at, attempts, processed_at, outcome, reason)
       select scope_id, 'evt_copy_' || n, 'product.created', livemode, '{"id":"evt_copy","object":"event","type":"product.created","livemode":false,"created":1}', false, created_at, received_at, 1, processed_at, 'ignored', 'x'
       from stripe_events, generate_series(1, 250) as n where id = ?`, [bought.ids[0]],
    );
    const { body } = await replay({ type: 'product.created', outcome: 'ignored' });
    expect([body.data.count, body.data.events.length]).toEqual([250, 100]);
    await tillkey.settled();
    expect((await tillkey.call('GET', '/api/v1/stripe-events?type=product.created&limit=100')).body.data).toEqual(Array(100).fill(expect.objectContaining({ attempts: 1, outcome: 'ignored', reason: expect.stringContaining('product.created') })));
  });

  test('does not take pending events, which are being tried anyway', async () => {
    expect(await replay({ outcome: 'pending', dryRun: true })).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('without any filter is 400', async () => {
    for (const body of [{}, { dryRun: true }]) expect(await replay(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('leaves the other mode alone', async () => {
    const sent = event('product.created', { id: 'prod_live' }, { livemode: true });
    await deliver(tillkey.url, sent, { secret: LIVE_SECRET });
    expect((await replay({ objectId: 'prod_live' })).body.data.count).toBe(0);
    expect((await replay({ objectId: 'prod_live' }, LIVE_KEY)).body.data.count).toBe(1);
  });
});

describe('GET /stripe-events', () => {
  test('lists with outcome=pending exactly those that are not done', async () => {
    const { ids } = await buyUnmapped();
    const em = tillkey.service.dependencies.database.em.fork();
    // Due in a long time: nothing takes it up meanwhile.
    await em.execute(`update stripe_events set outcome = null, reason = null, reason_code = null, processed_at = null, due_at = now() + interval '1 day' where id = ?`, [ids[0]]);
    const { status, body } = await tillkey.call('GET', '/api/v1/stripe-events?outcome=pending');
    expect([status, body.data]).toEqual([200, [expect.objectContaining({ id: ids[0], outcome: null })]]);
    const ignored = (await tillkey.call('GET', '/api/v1/stripe-events?outcome=ignored&limit=100')).body.data;
    expect(ignored.map(({ id }: { id: string }) => id)).not.toContain(ids[0]);
  });

  test('refuses an outcome that there is not', async () => {
    expect(await tillkey.call('GET', '/api/v1/stripe-events?outcome=lost')).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });
});
