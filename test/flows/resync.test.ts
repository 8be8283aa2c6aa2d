import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { createLicense } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, TEST_SECRET, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth } from '../support/webhook.ts';

const START = new Date('2026-01-10T12:00:00Z');
const clock = testClock(START);

let stripe: FakeStripe;
let tillkey: TestService;
beforeAll(async () => {
  stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
  tillkey = await startTestService({ clock, environment: { STRIPE_API_BASE: stripe.url, STRIPE_TEST_SECRET_KEY: 'sk_test_123' } });
});
afterAll(async () => {
  await tillkey.stop();
  await stripe.close();
});

const buy = async () => {
  const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
  await createCatalog(tillkey, { stripePriceId: priceId });
  const bought = stripe.buySubscription({ email: 'ada@example.com', priceId });
  await stripe.deliver(bought.events, { url: `${tillkey.url}/webhooks/stripe` });
  await tillkey.settled();
  const [license] = (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${bought.subscriptionId}`)).body.data;
  return { license, subscriptionId: bought.subscriptionId };
};

describe('resync', () => {
  test('makes a license what Stripe says now, though no event told of it', async () => {
    const { license, subscriptionId } = await buy();
    expect(license).toMatchObject({ status: 'active', billing: { state: 'ACTIVE' } });
    clock.set(new Date(clock.now().getTime() + 3 * 86_400_000));
    stripe.cancelNow(subscriptionId);
    const { status, body } = await tillkey.call('POST', `/api/v1/licenses/${license.id}/resync`);
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ id: license.id, key: license.key, status: 'expired', billing: { state: 'ENDED', reason: 'CANCELED' } });
  });

  test('of a license that did not come from Stripe is a conflict', async () => {
    const license = await createLicense(tillkey);
    expect(await tillkey.call('POST', `/api/v1/licenses/${license.id}/resync`)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  });
});

describe('resync of a subscription', () => {
  const resync = (id: string, key?: string) => tillkey.call('POST', `/api/v1/stripe-subscriptions/${id}/resync`, { ...(key && { key }) });

  test('issues the license of a price that became mapped later, though no event of it ever came', async () => {
    const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Late', recurring: 'month', unitAmount: 900 });
    const { subscriptionId } = stripe.buySubscription({ email: 'late@example.com', priceId });
    expect((await resync(subscriptionId)).body.data).toMatchObject({ stripeSubscriptionId: subscriptionId, outcome: 'ignored', reason: expect.stringContaining(priceId), licenses: [] });
    await createCatalog(tillkey, { stripePriceId: priceId });
    const { status, body } = await resync(subscriptionId);
    expect([status, body.data]).toEqual([200, expect.objectContaining({ outcome: 'applied', licenses: [expect.objectContaining({ status: 'active', userEmail: 'late@example.com', key: expect.any(String) })] })]);
    await tillkey.settled();
    expect((await tillkey.mails()).filter(({ to }) => to?.[0]?.address === 'late@example.com')).toHaveLength(1);
    expect((await resync(subscriptionId)).body).toEqual(body);
  });

  test('goes through all its invoices: what was paid before the latest one counts', async () => {
    const { license, subscriptionId } = await buy();
    stripe.renew(subscriptionId);
    clock.set(new Date(clock.now().getTime() + 31 * 86_400_000));
    stripe.failRenewal(subscriptionId);
    const { body } = await resync(subscriptionId);
    const [after] = body.data.licenses;
    expect(after).toMatchObject({ id: license.id, billing: { state: 'GRACE' } });
    expect(after.billing.paidThrough > license.billing.paidThrough).toBe(true);
  });

  test('that Stripe no longer knows stands on what is stored; one that nobody knows, or that is none, is 404', async () => {
    const { license, subscriptionId } = await buy();
    stripe.failNext(1, 404);
    expect((await resync(subscriptionId)).body.data).toMatchObject({ outcome: 'applied', licenses: [{ id: license.id, status: 'active' }] });
    for (const id of ['sub_nobody', stripe.latestInvoiceOf(subscriptionId), license.billing.stripeCustomerId]) expect([id, (await resync(id)).status]).toEqual([id, 404]);
    expect((await resync(subscriptionId, LIVE_KEY)).status).toBe(404);
  });
});

test('without a Stripe key a subscription is resynced from what is stored', async () => {
  const keyless = await startTestService();
  const { events, subscription } = firstMonth({ n: 1, price: 'price_keyless' });
  for (const sent of events) await deliver(keyless.url, sent);
  await keyless.settled();
  const resync = (id: string) => keyless.call('POST', `/api/v1/stripe-subscriptions/${id}/resync`);
  expect((await resync(subscription.id)).body.data).toMatchObject({ outcome: 'ignored', licenses: [] });
  await createCatalog(keyless, { stripePriceId: 'price_keyless' });
  expect((await resync(subscription.id)).body.data).toMatchObject({ outcome: 'applied', licenses: [{ status: 'active' }] });
  await keyless.settled();
  expect(await keyless.mails()).toHaveLength(1);
  await deliver(keyless.url, event('checkout.session.completed', { id: 'cs_once', mode: 'payment', payment_status: 'paid', customer_details: { email: 'once@example.com' } }));
  await keyless.settled();
  for (const id of ['in_1', 'cs_1', 'cs_once']) expect([id, (await resync(id)).status]).toEqual([id, 404]);
  await keyless.stop();
});
