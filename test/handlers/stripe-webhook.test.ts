import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { cutOff } from '../support/database.ts';
import { LIVE_SECRET, LIVE_KEY, startTestService, TEST_SECRET, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ environment: { STRIPE_TEST_WEBHOOK_SECRETS: `whsec_old,${TEST_SECRET}` } });
});
afterAll(() => tillkey.stop());

const stored = async (id: string, key?: string) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`, key ? { key } : {})).status;
const readBack = async (id: string) => {
  await tillkey.settled();
  return (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;
};

describe('a delivery that is not Stripe’s', () => {
  const sent = event('invoice.paid', {});
  const payload = JSON.stringify(sent);
  const sign = (change: object) => Stripe.webhooks.generateTestHeaderString({ payload, secret: TEST_SECRET, ...change });
  test.each([
    ['unsigned', { header: '' }],
    ['signed with another secret', { secret: 'whsec_other' }],
    ['signed 301 seconds ago', { header: sign({ timestamp: unix() - 301 }) }],
    ['changed after signing', { body: payload.replace('invoice.paid', 'invoice.void') }],
    ['signed under another scheme', { header: sign({ scheme: 'v0' }) }],
  ])('because it is %s is 400, and nothing is stored', async (_title, options) => {
    expect(await deliver(tillkey.url, sent, options)).toMatchObject({ status: 400, body: { code: 'INVALID_SIGNATURE' } });
    expect(await stored(sent.id)).toBe(404);
  });

  test('but signed, and no event, is 400', async () => {
    const notJson = '{"id":';
    const header = Stripe.webhooks.generateTestHeaderString({ payload: notJson, secret: TEST_SECRET });
    expect((await deliver(tillkey.url, sent, { body: notJson, header })).status).toBe(400);
  });

  test('larger than 2 MB is 413', async () => {
    expect((await deliver(tillkey.url, sent, { body: 'x'.repeat(2_200_000) })).status).toBe(413);
  });

  test('for an account nobody knows is 404', async () => {
    expect((await deliver(tillkey.url, sent, { path: '/webhooks/stripe/unknown' })).status).toBe(404);
  });
});

describe('a delivery that is Stripe’s', () => {
  test.each([['an old secret of a rotation', 'whsec_old'], ['the new one', TEST_SECRET]])('is taken under %s', async (_title, secret) => {
    const sent = event('product.created', { id: 'prod_1' });
    expect(await deliver(tillkey.url, sent, { secret })).toEqual({ status: 200, body: { received: true } });
    expect(await stored(sent.id)).toBe(200);
  });

  test('is shown as Stripe sent it, with its outcome and a reason', async () => {
    const sent = event('customer.tax_id.created', { id: 'txi_1' });
    await deliver(tillkey.url, sent);
    expect(await readBack(sent.id)).toEqual({
      id: sent.id, type: 'customer.tax_id.created', livemode: false, apiVersion: '2025-03-31.basil', objectId: 'txi_1',
      createdAt: new Date(sent.created * 1000).toISOString(), receivedAt: expect.any(String), processedAt: expect.any(String), attempts: 1,
      outcome: 'ignored', reason: 'Events of type customer.tax_id.created do not concern licenses.', lastError: null,
    });
  });

  test('belongs to the scope of its secret and is invisible to the other', async () => {
    const sent = event('product.created', { id: 'prod_1' }, { livemode: true });
    await deliver(tillkey.url, sent, { secret: LIVE_SECRET });
    expect([await stored(sent.id), await stored(sent.id, LIVE_KEY)]).toEqual([404, 200]);
  });

  test.each([
    ['whose livemode contradicts its secret', { livemode: true }, 'live mode'],
    ['of a connected account', { account: 'acct_9' }, 'acct_9'],
  ])('%s is 200 and ignored', async (_title, change, reason) => {
    const [, sent] = firstMonth({ n: 90 }).events;
    const changed = { ...sent!, ...change, id: `${sent!.id}_${reason.length}` };
    expect((await deliver(tillkey.url, changed)).status).toBe(200);
    expect(await readBack(changed.id)).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining(reason) });
  });

  test('of a thin kind is 200, and without a Stripe key needs attention', async () => {
    const sent = event('v1.customer.updated', {}, { object: 'v2.core.event', data: undefined, related_object: { id: 'cus_1' }, created: '2026-01-01T00:00:00Z' as never });
    expect((await deliver(tillkey.url, sent)).status).toBe(200);
    expect(await readBack(sent.id)).toMatchObject({ type: 'customer.updated', outcome: 'needs_attention', objectId: 'cus_1', reason: expect.stringContaining('STRIPE_TEST_SECRET_KEY') });
  });

  test('of a thin kind and of a classic one, of the same fact, are one event, in either order', async () => {
    for (const order of [[0, 1], [1, 0]]) {
      const classic = event('customer.updated', { id: 'cus_7', email: 'jo@example.com', name: 'Jo' });
      const thin = event('v1.customer.updated', {}, { object: 'v2.core.event', data: undefined, snapshot_event: classic.id, related_object: { id: 'cus_7' }, created: '2026-01-01T00:00:00Z' as never });
      for (const n of order) {
        expect((await deliver(tillkey.url, [thin, classic][n]!)).status).toBe(200);
        await tillkey.settled();
      }
      expect(await readBack(classic.id)).toMatchObject({ outcome: 'applied', objectId: 'cus_7' });
      expect((await tillkey.call('GET', `/api/v1/stripe-events/${thin.id}`)).status).toBe(404);
    }
  });

  test.each([
    ['a status nobody knows', { status: 'frozen' }, '"frozen"'],
    ['no items', { items: undefined }, 'items'],
    ['no period in either place', { items: { data: [{ id: 'si_9', price: { id: 'price_1' } }] } }, 'period'],
  ])('that shows %s changes nothing and needs attention', async (_title, change, reason) => {
    const sent = event('customer.subscription.updated', { ...firstMonth({ n: 91 }).subscription, ...change });
    await deliver(tillkey.url, sent);
    expect(await readBack(sent.id)).toMatchObject({ outcome: 'needs_attention', reason: expect.stringContaining(reason) });
  });

  test('with a NUL in it is stored and applied', async () => {
    const sent = event('checkout.session.completed', { ...firstMonth({ n: 92 }).session, customer_details: { email: 'nul@example.com', name: 'J\u0000o' } });
    await deliver(tillkey.url, sent);
    expect(await readBack(sent.id)).toMatchObject({ outcome: 'applied' });
  });
});

test('with no secret configured an event is 503, never taken unchecked', async () => {
  const bare = await startTestService({ role: 'web', environment: { STRIPE_TEST_WEBHOOK_SECRETS: '', STRIPE_LIVE_WEBHOOK_SECRETS: '' } });
  expect(await deliver(bare.url, event('invoice.paid', {}))).toMatchObject({ status: 503, body: { error: expect.stringContaining('STRIPE_TEST_WEBHOOK_SECRETS') } });
  await bare.stop();
});

test('while the database is away an event is 5xx, so that Stripe sends it again', async () => {
  const cut = await startTestService({ role: 'web' });
  await cutOff(cut.databaseUrl);
  expect((await deliver(cut.url, event('invoice.paid', {}))).status).toBe(500);
  expect((await cut.call('GET', '/readyz')).status).toBe(503);
  expect((await cut.call('GET', '/healthz')).status).toBe(200);
  await cut.stop();
});
