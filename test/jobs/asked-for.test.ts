import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyStripeEventJob } from '../../src/jobs/apply-stripe-event.ts';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { startTestService, testClock, TEST_SECRET, type TestService } from '../support/service.ts';
import { stripeReader } from '../support/stripe-reader.ts';
import { deliver, event, firstMonth, type RawEvent } from '../support/webhook.ts';

/** What Stripe was asked for one event and is not asked again for another. The queue is lost: the tests say what runs when. */
const clock = testClock(new Date('2026-01-10T12:00:00Z'));
let stripe: FakeStripe;
let tillkey: TestService;
beforeAll(async () => {
  stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
  tillkey = await startTestService({ role: 'web', clock, environment: { STRIPE_API_BASE: stripe.url, STRIPE_TEST_SECRET_KEY: 'sk_test_123' } });
});
afterAll(async () => {
  await tillkey.stop();
  await stripe.close();
});

const later = (seconds: number) => clock.set(new Date(clock.now().getTime() + seconds * 1000));
const jobs = () => ({ ...tillkey.service.dependencies, queues: { enqueue: () => Promise.resolve() } });
const refOf = (id: string) => ({ scopeId: tillkey.service.dependencies.scopes[1]!.id, id });

describe('an invoice that came along with its subscription', () => {
  test('is known with all its payments, so that one of two that goes back ends nothing', async () => {
    const { priceId } = stripe.createProductAndPrice({ productName: 'Editor', recurring: 'month', unitAmount: 1900 });
    await createCatalog(tillkey, { stripePriceId: priceId });
    const { subscriptionId, invoiceId } = stripe.subscribe({ email: 'parts@example.com', priceId, collection: 'send_invoice' });
    stripe.payPart(invoiceId, 1000);
    stripe.payPart(invoiceId, 900);
    const taken = stripe.events.filter(({ type }) => type.startsWith('customer.subscription') || type === 'invoice.paid');
    await stripe.deliver(taken, { url: `${tillkey.url}/webhooks/stripe` });
    later(5);
    for (const { id } of taken) await applyStripeEventJob(jobs(), refOf(id));
    later(5);
    const [part] = stripe.chargesOf(invoiceId);
    const { events } = stripe.refund(part!);
    await stripe.deliver(events, { url: `${tillkey.url}/webhooks/stripe` });
    for (const { id } of events) await applyStripeEventJob(jobs(), refOf(id));
    const { body } = await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${subscriptionId}`);
    expect(body.data).toMatchObject([{ status: 'active', billing: { state: 'ACTIVE' } }]);
  });
});

describe('a thin event whose object Stripe does not show', () => {
  const nowhere = (meanwhile: () => Promise<unknown>) => ({ ...jobs(), stripeOf: () => Promise.resolve(stripeReader(() => meanwhile().then(() => null))) });
  const outcomeOf = async ({ id }: RawEvent) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data.outcome;
  const twinOf = ({ id }: RawEvent) =>
    event('v1.invoice.paid', {}, { id: `${id}_thin`, object: 'v2.core.event', data: undefined, snapshot_event: id, related_object: { id: 'in_1', url: '/v1/invoices/in_1' } });

  test.each([
    ['comes after that', 'ignored', () => Promise.resolve()],
    ['comes while Stripe is asked', null, (classic: RawEvent) => deliver(tillkey.url, classic)],
  ])('gives way to its classic one, which %s', async (_title, first, meanwhile) => {
    const classic = firstMonth().events[2]!;
    await deliver(tillkey.url, twinOf(classic));
    await applyStripeEventJob(nowhere(() => meanwhile(classic)), refOf(classic.id));
    expect(await outcomeOf(classic)).toBe(first);
    await deliver(tillkey.url, classic);
    await applyStripeEventJob(nowhere(() => Promise.resolve()), refOf(classic.id));
    expect(await outcomeOf(classic)).toBe('applied');
  });
});
