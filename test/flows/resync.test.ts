import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { createLicense } from '../support/license.ts';
import { startTestService, testClock, TEST_SECRET, type TestService } from '../support/service.ts';

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
