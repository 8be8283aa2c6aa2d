import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type FakeStripe, startFakeStripe } from './fake-stripe/fake-stripe.ts';
import { type Shape, shapes } from './fake-stripe/shape.ts';
import type { FakeEvent, StripeObject } from './fake-stripe/state.ts';
import { thinTwin } from './fake-stripe/thin-event.ts';
import { stories } from './stories/all-stories.ts';
import { dayOf, JUDGED_ON, openShop, type Story, tellStory, unmapped } from './stories/story.ts';

/** Every story that can happen in a shape, told in one world, its events by its title. */
async function tellAll(shape: Shape): Promise<{ stripe: FakeStripe; told: Map<string, FakeEvent[]>; days: number[] }> {
  let now = dayOf(0);
  const days: number[] = [];
  const on = (day: number) => {
    days.push(day);
    now = dayOf(day);
  };
  const stripe = await startFakeStripe({ shape, now: () => now, seed: 11 });
  const shop = openShop(stripe);
  const told = stories.filter((story) => happensIn(shape, story)).map((story, n) => [story.title, tellStory(story, { stripe, shop, email: `buyer-${n}@buyer.example`, on })] as const);
  return { stripe, told: new Map(told), days };
}

/** Until acacia an invoice, its charge and its payment name one another. */
const isOld = (shape: Shape) => shape === '2020-08-27' || shape === 'acacia';

const happensIn = (shape: Shape, { since }: Story) => since === undefined || shapes.indexOf(shape) >= shapes.indexOf(since);

describe('the stories', () => {
  test('have titles of their own, and end in words that a license can be put in', () => {
    const titles = stories.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    const words = /^(active|suspended|expired|revoked) (ACTIVE|GRACE|SUSPENDED|ENDED|REVOKED)( (TRIAL|PAYMENT_FAILED|PAUSED|CANCELED|ITEM_REMOVED|REFUNDED|DISPUTED))? (until day \d+|for good)( of (pro|addon|yearly|extra|gift))?(, grace until day \d+)?(, canceled on day \d+)?(, \d+ machines)?$/;
    for (const { ends } of stories) for (const end of ends) expect(end).toMatch(words);
  });

  test('sell mapped prices and others', () => {
    expect(unmapped).toEqual(['service', 'shirt']);
  });
});

describe.each(shapes)('told in the %s shape', (shape) => {
  let stripe: FakeStripe;
  let told: Map<string, FakeEvent[]>;
  let days: number[];
  let all: FakeEvent[];
  beforeAll(async () => {
    ({ stripe, told, days } = await tellAll(shape));
    all = [...told.values()].flat();
  });
  afterAll(() => stripe.close());

  const objects = (type: string) => all.map(({ data }) => data.object).filter(({ object }) => object === type);
  const last = (title: string, type: string): StripeObject => told.get(title)!.findLast((event) => event.type === type)!.data.object;

  test('each is over when it is judged, and goes forward in time', () => {
    expect(Math.max(...days)).toBe(JUDGED_ON);
    for (const events of told.values()) expect(events.map(({ created }) => created)).toEqual(events.map(({ created }) => created).sort((a, b) => a - b));
  });

  test('what an event names is there to be asked for', () => {
    const known = new Set(all.map(({ data }) => data.object.id));
    const named = all.flatMap(({ data: { object } }) => ['charge', 'payment_intent', 'invoice', 'subscription', 'customer', 'latest_charge', 'latest_invoice'].map((name) => object[name]));
    for (const id of named.filter((id) => id != null)) expect(known).toContain(id);
  });

  test('every update says what was otherwise before', () => {
    const updates = all.filter(({ type }) => /^(customer|invoice|refund|charge|charge.dispute|customer.subscription).updated$/.test(type));
    expect(updates.length).toBeGreaterThan(100);
    for (const { data } of updates) expect(Object.keys(data.previous_attributes ?? {})).not.toEqual([]);
  });

  test('a charge leads to its invoice by itself, or only by the payment of the invoice', () => {
    const old = isOld(shape);
    const charge = last('refunded', 'charge.refunded');
    const invoice = last('refunded', 'invoice.paid');
    expect(charge['invoice']).toBe(old ? invoice.id : undefined);
    expect([invoice['charge'], invoice['payment_intent'], invoice['paid']]).toEqual(old ? [charge.id, charge['payment_intent'], true] : [undefined, undefined, undefined]);
    const payments = objects('invoice_payment').filter((payment) => payment['invoice'] === invoice.id);
    expect(payments).toMatchObject(old ? [] : [{ payment: { type: 'payment_intent', payment_intent: charge['payment_intent'] }, status: 'paid', amount_paid: 1900 }]);
    expect(charge['refunds']).toEqual(shape === '2020-08-27' ? expect.objectContaining({ data: [expect.objectContaining({ object: 'refund', amount: 1900 })] }) : undefined);
  });

  test('a session and the invoice made of it are paid by one payment', () => {
    const session = last('bought once, with an invoice made of it', 'checkout.session.completed');
    const invoice = last('bought once, with an invoice made of it', 'invoice.paid');
    expect(session).toMatchObject({ mode: 'payment', invoice: invoice.id, payment_intent: expect.stringMatching(/^pi_/), invoice_creation: { enabled: true } });
    expect(invoice).toMatchObject({ billing_reason: 'manual', status: 'paid', amount_paid: 11_800 });
    expect(stripe.chargesOf(invoice.id)).toEqual(stripe.chargesOf(session.id));
    const [bought, refunded] = [last('bought once with an invoice made of it, refunded', 'invoice.paid'), last('bought once with an invoice made of it, refunded', 'charge.refunded')];
    expect(refunded['invoice']).toBe(isOld(shape) ? bought.id : undefined);
  });

  test.each([
    ['refunded', 1900, true, 'succeeded'],
    ['refunded in part', 1899, false, 'succeeded'],
    ['refunded in part, and then the rest', 1900, true, 'succeeded'],
    ['its refund is pending', 1900, true, 'pending'],
    ['its refund was pending, then failed', 0, false, 'failed'],
    ['its refund was pending, then canceled', 0, false, 'canceled'],
    ['its refund was pending, failed, and was done again', 1900, true, 'succeeded'],
  ])('%s: the charge says %p refunded, fully %p, and the last refund %s', (title, refunded, fully, status) => {
    const events = told.get(title)!.map(({ data }) => data.object);
    expect(events.findLast(({ object }) => object === 'charge')).toMatchObject({ amount: 1900, amount_refunded: refunded, refunded: fully });
    expect(events.findLast(({ object }) => object === 'refund')).toMatchObject({ status, charge: expect.stringMatching(/^ch_/), payment_intent: expect.stringMatching(/^pi_/) });
  });

  test('an invoice that is paid in parts has a payment each, and none open', () => {
    if (isOld(shape)) return;
    const { id } = last('paid in two parts, both refunded', 'invoice.paid');
    expect(stripe.chargesOf(id)).toHaveLength(2);
    const ofInvoice = objects('invoice_payment').filter(({ invoice }) => invoice === id);
    expect(ofInvoice.map(({ amount_paid, status }) => [amount_paid, status])).toEqual([[3000, 'paid'], [2900, 'paid']]);
    const canceled = told.get('paid in two parts, both refunded')!.filter(({ type }) => type === 'payment_intent.canceled');
    expect(canceled.map(({ data }) => data.object['amount'])).toEqual([2900]);
  });

  test('credits are negative prorations that name what they credit, and leave the customer a balance', () => {
    const title = 'from years to months: the credit ends what was paid for the year';
    const invoice: any = last(title, 'invoice.paid');
    const [credit, charge] = invoice.lines.data;
    expect(invoice).toMatchObject({ billing_reason: 'subscription_update', amount_due: 0, amount_paid: 0, status: 'paid' });
    expect(invoice.total).toBeLessThan(0);
    expect(last(title, 'customer.updated')).toMatchObject({ balance: invoice.total });
    const prorationOf = (line: any) => line.proration ?? line.parent.subscription_item_details.proration;
    expect([prorationOf(credit), prorationOf(charge)]).toEqual([true, false]);
    expect(credit).toMatchObject({ amount: expect.any(Number), period: { start: charge.period.start } });
    expect([credit.amount < 0, charge.amount]).toEqual([true, 1900]);
  });

  test('a subscription says what it waits for, and what it is paused by', () => {
    expect(last('to be moved up once that is paid', 'customer.subscription.updated')).toMatchObject({ status: 'active', pending_update: { subscription_items: [{ quantity: 1 }] } });
    expect(last('moved up once that was paid', 'customer.subscription.pending_update_applied')).toMatchObject({ pending_update: null });
    expect(last('its collection is paused, void', 'customer.subscription.updated')).toMatchObject({ status: 'active', pause_collection: { behavior: 'void' } });
    expect(last('tried without a card, then paused', 'customer.subscription.paused')).toMatchObject({ status: 'paused', default_payment_method: null });
  });

  test('a thin twin names the object and the snapshot, and says nothing of either', () => {
    for (const event of all) {
      const twin = thinTwin(event);
      expect(twin).toMatchObject({ object: 'v2.core.event', type: `v1.${event.type}`, snapshot_event: event.id, related_object: { id: event.data.object.id, type: event.data.object.object } });
      expect(Object.keys(twin)).not.toContain('data');
    }
    expect(new Set(all.map((event) => thinTwin(event).id)).size).toBe(all.length);
    expect(thinTwin(told.get('bought')!.at(-1)!).related_object.url).toMatch(/^\/v1\/checkout\/sessions\/cs_test_/);
  });
});

let inBasil: Awaited<ReturnType<typeof tellAll>>;
beforeAll(async () => {
  inBasil = await tellAll('basil');
});
afterAll(() => inBasil.stripe.close());

test.each([
  ['refunded', ['refund.created', 'charge.refunded']],
  ['its refund was pending, then failed', ['refund.created', 'charge.refunded', 'refund.updated', 'refund.failed', 'charge.refund.updated', 'charge.updated']],
  ['disputed, and won', ['charge.dispute.created', 'charge.updated', 'charge.dispute.funds_withdrawn', 'charge.dispute.updated', 'charge.dispute.closed', 'charge.dispute.funds_reinstated']],
  ['asked about, then disputed', ['charge.dispute.created', 'charge.updated', 'charge.dispute.updated', 'charge.dispute.funds_withdrawn']],
  ['moved up, billed at once', ['invoiceitem.created', 'invoiceitem.created', 'invoice.created', 'customer.subscription.updated', 'payment_intent.created', 'invoice.finalized', 'charge.succeeded', 'payment_intent.succeeded', 'invoice_payment.paid', 'invoice.updated', 'invoice.paid', 'invoice.payment_succeeded']],
  ['from five units to three', ['invoiceitem.created', 'invoiceitem.created', 'customer.subscription.updated']],
  ['not moved up, as that was never paid', ['payment_intent.canceled', 'invoice.updated', 'invoice.voided', 'customer.subscription.updated', 'customer.subscription.pending_update_expired']],
  ['its first payment never came', ['payment_intent.canceled', 'invoice.updated', 'invoice.voided', 'customer.subscription.updated']],
  ['its renewal waits for the buyer to confirm', ['payment_intent.requires_action', 'invoice.updated', 'invoice.payment_action_required', 'invoice.payment_failed', 'customer.subscription.updated']],
  ['tried without a card, then paused', ['customer.subscription.updated', 'customer.subscription.paused']],
  ['invoiced, and paid twice over', ['payment_intent.created', 'charge.succeeded', 'payment_intent.succeeded', 'invoice_payment.paid', 'invoice.updated', 'invoice.overpaid']],
  ['bought by somebody who was deleted then', ['customer.subscription.deleted', 'customer.deleted']],
  ['nobody completed the session', ['checkout.session.expired']],
])('"%s" ends with what Stripe tells of it', (title, types) => {
  expect(inBasil.told.get(title)!.map(({ type }) => type).slice(-types.length)).toEqual(types);
});
