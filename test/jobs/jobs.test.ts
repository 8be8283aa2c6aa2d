import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { applyStripeEventJob } from '../../src/jobs/apply-stripe-event.ts';
import { MOST_EVENT_ATTEMPTS, MOST_MAIL_ATTEMPTS } from '../../src/jobs/backoff.ts';
import { sendEmailJob } from '../../src/jobs/send-email.ts';
import { sweep, takeUpUnfinished } from '../../src/jobs/sweep.ts';
import type { MailResult } from '../../src/mailer.ts';
import { stripeReader } from '../support/stripe-reader.ts';
import { createCatalog } from '../support/catalog.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth } from '../support/webhook.ts';

/** A service whose queue is lost: what is enqueued goes nowhere, and the tests run the jobs themselves. */
let tillkey: TestService;
let enqueued: { queue: string; payload: any; delayMs: number }[];
const lostQueue = {
  enqueue: async (queue: string, payload: object, delayMs = 0) => {
    enqueued.push({ queue, payload, delayMs });
  },
};

beforeEach(async () => {
  enqueued = [];
  tillkey = await startTestService({ role: 'web' });
  await createCatalog(tillkey);
});
afterEach(() => tillkey.stop());

const jobs = () => ({ ...tillkey.service.dependencies, queues: lostQueue });
const later = (minutes: number) => tillkey.clock.set(new Date(tillkey.clock.now().getTime() + minutes * 60_000));
const stored = async (id: string) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data;
const refOf = (id: string) => ({ scopeId: tillkey.service.dependencies.scopes[1]!.id, id });

/** Stores the events of a purchase and applies them; returns the id of the message then owed. */
async function issue(n = 1): Promise<string> {
  for (const sent of firstMonth({ n }).events) {
    await deliver(tillkey.url, sent);
    await applyStripeEventJob(jobs(), refOf(sent.id));
  }
  return enqueued.findLast(({ queue }) => queue === 'messages')?.payload.id;
}

describe('the sweep', () => {
  test('queues again what is due, and leaves it alone while somebody may be at it', async () => {
    const [sent] = firstMonth().events;
    await deliver(tillkey.url, sent!);
    await sweep(jobs());
    expect(enqueued).toEqual([{ queue: 'stripe-events', payload: refOf(sent!.id), delayMs: 0 }]);
    await sweep(jobs());
    expect(enqueued).toHaveLength(1);
    later(2);
    await sweep(jobs());
    expect(enqueued).toHaveLength(2);
  });

  test('queues a message again, and nothing that is done', async () => {
    const id = await issue();
    enqueued = [];
    later(2);
    await sweep(jobs());
    expect(enqueued).toEqual([{ queue: 'messages', payload: { id }, delayMs: 0 }]);
    await sendEmailJob(jobs(), { id });
    later(2);
    await sweep(jobs());
    expect(enqueued).toHaveLength(1);
  });

  test('of a starting worker takes up what is not yet due', async () => {
    const [sent] = firstMonth().events;
    await deliver(tillkey.url, sent!);
    await sweep(jobs());
    await takeUpUnfinished(jobs());
    expect(enqueued).toHaveLength(2);
  });
});

describe('an event that cannot be applied', () => {
  const broken = async () => {
    throw new AppError('STRIPE_REFUSED', 502, 'Stripe refused the request.', { cause: new Error('no such parameter') });
  };
  const refusing = stripeReader(broken);
  const failing = () => ({ ...jobs(), stripeOf: async () => refusing });

  test('is tried again later and later, then failed, visible, and replayable', async () => {
    const [sent] = firstMonth().events;
    await deliver(tillkey.url, sent!);
    for (let n = 1; n < MOST_EVENT_ATTEMPTS; n += 1) await applyStripeEventJob(failing(), refOf(sent!.id));
    expect(enqueued.map(({ delayMs }) => delayMs)).toEqual(enqueued.map(({ delayMs }) => delayMs).toSorted((a, b) => a - b));
    expect(await stored(sent!.id)).toMatchObject({ outcome: null, attempts: MOST_EVENT_ATTEMPTS - 1, lastError: expect.stringContaining('no such parameter') });
    await applyStripeEventJob(failing(), refOf(sent!.id));
    expect(await stored(sent!.id)).toMatchObject({ outcome: 'failed', attempts: MOST_EVENT_ATTEMPTS, reason: expect.stringContaining('no such parameter') });

    await tillkey.call('POST', `/api/v1/stripe-events/${sent!.id}/replay`);
    await applyStripeEventJob(jobs(), refOf(sent!.id));
    expect(await stored(sent!.id)).toMatchObject({ outcome: 'applied', attempts: 1, lastError: null });
  });

  test('never blocks the others, and its licenses are as if it had not come', async () => {
    const [session, ...rest] = firstMonth().events;
    await deliver(tillkey.url, session!);
    await applyStripeEventJob(failing(), refOf(session!.id));
    for (const sent of rest) {
      await deliver(tillkey.url, sent);
      await applyStripeEventJob(jobs(), refOf(sent.id));
    }
    expect((await tillkey.call('GET', '/api/v1/licenses')).body.data).toHaveLength(1);
    expect(await stored(session!.id)).toMatchObject({ outcome: null });
  });

  test('is counted before it is tried, so that one which kills the process is not tried for ever', async () => {
    const [sent] = firstMonth().events;
    await deliver(tillkey.url, sent!);
    const attemptsDuring: number[] = [];
    const watching = { ...jobs(), scopeOf: async (id: number) => {
      attemptsDuring.push((await stored(sent!.id)).attempts);
      return jobs().scopeOf(id);
    } };
    await applyStripeEventJob(watching, refOf(sent!.id));
    expect(attemptsDuring).toEqual([1]);
  });

  test('leaves a done event as it is: a repeat changes nothing, not even the outcome', async () => {
    await issue();
    const [sent] = (await tillkey.call('GET', '/api/v1/stripe-events')).body.data;
    await applyStripeEventJob(failing(), refOf(sent.id));
    expect(await stored(sent.id)).toEqual(sent);
  });
});

describe('line items that could not be fetched', () => {
  test('need attention, and are taken up by a starting worker once there is a Stripe key', async () => {
    const session = { id: 'cs_9', mode: 'payment', payment_status: 'paid', customer: null, customer_details: { email: 'jo@example.com', name: 'Jo' } };
    const sent = event('checkout.session.completed', session);
    await deliver(tillkey.url, sent);
    await applyStripeEventJob(jobs(), refOf(sent.id));
    expect(await stored(sent.id)).toMatchObject({ outcome: 'needs_attention', reason: expect.stringContaining('STRIPE_TEST_SECRET_KEY') });

    const line_items = { data: [{ id: 'li_1', quantity: 2, price: { id: 'price_1', product: 'prod_1' } }] };
    const stripe = { ...stripeReader(async () => null), checkoutSession: async () => ({ ...session, line_items }) };
    const withKey = { ...jobs(), stripeOf: async () => stripe, stripeScopes: async () => jobs().scopes };
    enqueued = [];
    await takeUpUnfinished(withKey);
    expect(enqueued).toEqual([{ queue: 'stripe-events', payload: refOf(sent.id), delayMs: 0 }]);
    await applyStripeEventJob(withKey, refOf(sent.id));
    expect(await stored(sent.id)).toMatchObject({ outcome: 'applied' });
    expect((await tillkey.call('GET', '/api/v1/licenses')).body.data).toHaveLength(2);
  });
});

describe('a mail', () => {
  const withMailer = (results: MailResult[]) => {
    const sent: string[] = [];
    const mailer = { destination: 'test', close: () => undefined, send: async ({ id }: { id: string }): Promise<MailResult> => {
      sent.push(id);
      return results.shift() ?? { sent: true };
    } };
    return { dependencies: { ...jobs(), mailer }, sent };
  };

  test('that is refused is tried again later, and sent once it is taken', async () => {
    const id = await issue();
    enqueued = [];
    const { dependencies, sent } = withMailer([{ sent: false, error: '451 try later' }]);
    await sendEmailJob(dependencies, { id });
    expect(enqueued).toEqual([{ queue: 'messages', payload: { id }, delayMs: 5_000 }]);
    await sendEmailJob(dependencies, { id });
    await sendEmailJob(dependencies, { id });
    expect(sent).toEqual([id, id]);
  });

  test('that is refused every time is given up, no longer due, and owed anew by a replay', async () => {
    const id = await issue();
    const { dependencies, sent } = withMailer(Array.from({ length: MOST_MAIL_ATTEMPTS }, () => ({ sent: false as const, error: '550 no such user' })));
    for (let n = 0; n <= MOST_MAIL_ATTEMPTS; n += 1) await sendEmailJob(dependencies, { id });
    expect(sent).toHaveLength(MOST_MAIL_ATTEMPTS);
    const [row] = await jobs().database.em.fork().execute<{ last_error: string; failed_at: string; due_at: string | null }[]>('select * from messages');
    expect(row).toMatchObject({ last_error: '550 no such user', due_at: null, failed_at: expect.any(String) });

    const [event] = (await tillkey.call('GET', '/api/v1/stripe-events')).body.data;
    await tillkey.call('POST', `/api/v1/stripe-events/${event.id}/replay`);
    enqueued = [];
    await applyStripeEventJob(jobs(), refOf(event.id));
    expect(enqueued).toEqual([{ queue: 'messages', payload: { id: expect.any(String) }, delayMs: 0 }]);
    expect(enqueued[0]!.payload.id).not.toBe(id);
  });
});
