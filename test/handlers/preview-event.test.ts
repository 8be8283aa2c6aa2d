import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { type FakeStripe, startFakeStripe } from '../support/fake-stripe/fake-stripe.ts';
import { LIVE_KEY, startTestService, testClock, TEST_SECRET, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, type RawEvent, unix } from '../support/webhook.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService();
});
afterAll(() => tillkey.stop());

const path = '/api/v1/stripe-mappings/preview';
const preview = (body: object, key?: string) => tillkey.call('POST', path, { body, ...(key && { key }) });
const send = async (...events: RawEvent[]) => {
  for (const sent of events) expect((await deliver(tillkey.url, sent)).status).toBe(200);
  await tillkey.settled();
};

let next = 700;
/** A purchase that nobody has told us of yet. */
function bought(price?: string) {
  next += 1;
  return { n: next, price: price ?? `price_preview_${next}`, ...firstMonth({ n: next, price: price ?? `price_preview_${next}`, email: `preview-${next}@example.com` }) };
}

/** Every row of every table as text, but for when API keys were last used. */
async function everyRow({ service }: TestService = tillkey): Promise<Record<string, string>> {
  const em = service.dependencies.database.em.fork();
  await service.dependencies.validations.flush();
  const tables = await em.execute<{ name: string }[]>(`select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'job_runs' order by 1`);
  const all: Record<string, string> = {};
  for (const { name } of tables) {
    const [row] = await em.execute<{ rows: string }[]>(`select coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, E'\\n' order by (to_jsonb(t) - 'last_used_at')::text), '') as rows from "${name}" t`);
    all[name] = row!.rows;
  }
  return all;
}

/** What the preview of an event says, after looking that nothing of it stayed. */
async function previewed(body: object): Promise<any> {
  const before = await everyRow();
  const answer = await preview(body);
  expect(answer.status).toBe(200);
  expect(await everyRow()).toEqual(before);
  return answer.body.data;
}

describe('the preview of a Stripe event', () => {
  test('that would issue a license says so, and is what then happens', async () => {
    const { events, price, n } = bought();
    await createCatalog(tillkey, { stripePriceId: price });
    await send(events[1]!);
    // The email comes with the session only, so that the license is there and its mail is not.
    const told = await previewed({ event: events[0] });
    expect(told).toMatchObject({ outcome: 'applied', mails: [{ kind: 'key_delivery', recipient: `preview-${n}@example.com` }] });
    await send(events[0]!);
    const [license] = (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=sub_${n}`)).body.data;
    expect(told.licenses).toEqual([{ id: license.id, action: 'update', before: expect.objectContaining({ userEmail: null }), after: expect.objectContaining({ status: 'active', userEmail: license.userEmail, expiresAt: license.expiresAt }) }]);
  });

  test('of a new purchase shows each license that would be issued, without id or key', async () => {
    const { events, price, n } = bought();
    const { policyId } = await createCatalog(tillkey, { stripePriceId: price, policy: { maxMachines: 4 } });
    const told = await previewed({ event: events[1] });
    expect(told).toMatchObject({
      outcome: 'needs_attention', reason: expect.stringContaining('no email address'), mails: [],
      licenses: [{ id: null, action: 'issue', before: null, after: { status: 'active', policyId, maxMachines: 4, billing: { state: 'ACTIVE', stripePriceId: price, stripeSubscriptionId: `sub_${n}` } } }],
    });
    expect(JSON.stringify(told)).not.toContain('ACME-');
  });

  test('of an end shows the license before and after', async () => {
    const { events, price, subscription } = bought();
    await createCatalog(tillkey, { stripePriceId: price });
    await send(...events);
    const told = await previewed({ event: event('customer.subscription.deleted', { ...subscription, status: 'canceled', ended_at: unix() - 5 }, { created: unix() + 5 }) });
    expect(told).toMatchObject({ outcome: 'applied', licenses: [{ action: 'update', before: { status: 'active', billing: { state: 'ACTIVE' } }, after: { status: 'expired', billing: { state: 'ENDED', reason: 'CANCELED' } } }], mails: [{ kind: 'expired' }] });
  });

  test('in the inbox is as if it were replayed: nothing changes where all is as it should be, and a price mapped since is issued', async () => {
    const { events, price } = bought();
    await send(...events);
    const ofEvent = () => previewed({ eventId: events[1]!.id });
    expect(await ofEvent()).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining(price), licenses: [], mails: [] });
    await createCatalog(tillkey, { stripePriceId: price });
    expect(await ofEvent()).toMatchObject({ outcome: 'applied', licenses: [{ id: null, action: 'issue' }], mails: [{ kind: 'key_delivery' }] });
    await tillkey.call('POST', `/api/v1/stripe-events/${events[1]!.id}/replay`);
    await tillkey.settled();
    const now = await ofEvent();
    expect(now).toMatchObject({ outcome: 'applied', licenses: [{ id: expect.any(String), action: 'none' }], mails: [] });
    expect(now.licenses[0].before).toEqual(now.licenses[0].after);
  });

  test.each<[string, () => object, string, RegExp]>([
    ['from the other mode', () => ({ ...bought().events[1], livemode: true }), 'ignored', /live mode.* from STRIPE_TEST_WEBHOOK_SECRETS to STRIPE_LIVE_WEBHOOK_SECRETS/],
    ['of a price without a mapping', () => bought('price_preview_unmapped').events[1]!, 'ignored', /price_preview_unmapped/],
    ['of a type that is not taken', () => event('product.created', { id: 'prod_1' }), 'ignored', /product\.created/],
    ['that is no event', () => ({ hello: 'world' }), 'needs_attention', /shape/],
    ['that cannot be read', () => event('invoice.paid', { id: 'in_unread' }), 'needs_attention', /shape|value/],
    ['that is thin, without a Stripe key', () => ({ id: 'evt_thin', object: 'v2.core.event', type: 'v1.invoice.paid', livemode: false, created: new Date().toISOString(), related_object: { id: 'in_1', url: '/v1/invoices/in_1' } }), 'needs_attention', /thin/],
    ['of a connected account', () => event('product.created', { id: 'prod_1' }, { account: 'acct_1' }), 'ignored', /acct_1/],
  ])('%s says why nothing happens', async (_title, sent, outcome, reason) => {
    expect(await previewed({ event: sent() })).toEqual({ outcome, reason: expect.stringMatching(reason), licenses: [], mails: [] });
  });

  test('leaves nothing behind when it fails', async () => {
    const { events, price } = bought();
    await createCatalog(tillkey, { stripePriceId: price });
    const em = tillkey.service.dependencies.database.em.fork();
    await em.execute(`create function fail() returns trigger language plpgsql as 'begin raise exception ''no room''; end'`);
    await em.execute('create trigger fail before insert on licenses for each row execute function fail()');
    const before = await everyRow();
    expect(await preview({ event: events[1] })).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    expect(await everyRow()).toEqual(before);
    await em.execute('drop trigger fail on licenses; drop function fail()');
    expect((await previewed({ event: events[1] })).licenses).toHaveLength(1);
  });

  test('leaves nothing behind but its own answer under an Idempotency-Key', async () => {
    const { events, price } = bought();
    await createCatalog(tillkey, { stripePriceId: price });
    const { idempotency_keys: _before, ...before } = await everyRow();
    const ask = () => tillkey.call('POST', path, { body: { event: events[1] }, headers: { 'idempotency-key': `preview-${price}` } });
    expect([(await ask()).body, (await ask()).headers['idempotent-replayed']]).toEqual([(await ask()).body, 'true']);
    const { idempotency_keys: _after, ...after } = await everyRow();
    expect(after).toEqual(before);
  });

  test('waits for an event of the same purchase that is being applied, and many at once end', async () => {
    const { events, price } = bought();
    await createCatalog(tillkey, { stripePriceId: price });
    const [first, ...others] = await Promise.all([send(...events), ...Array.from({ length: 24 }, () => preview({ event: events[0] }))]);
    expect(first).toBeUndefined();
    expect(others.map(({ status }) => status)).toEqual(Array(24).fill(200));
  });

  test('takes an event of 2 MB, with text that no database holds', async () => {
    const { events, price } = bought();
    const large = { ...events[1], data: { object: { ...(events[1]!['data'] as any).object, description: `\u0000${'x'.repeat(2_000_000)}\ud800` } } };
    expect(await previewed({ event: large })).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining(price) });
    expect((await preview({ event: { ...large, more: 'x'.repeat(200_000) } })).status).toBe(413);
  });

  test.each<[string, object]>([['nothing', {}], ['both', { event: {}, eventId: 'evt_1' }], ['a list', { event: [] }], ['a text', { event: 'evt_1' }], ['another field', { event: {}, dryRun: true }]])('asked with %s is 400', async (_title, body) => {
    expect(await preview(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('of an event that is not in the inbox of the mode is 404', async () => {
    const { events } = bought();
    await send(events[1]!);
    expect((await preview({ eventId: 'evt_never' })).status).toBe(404);
    expect((await preview({ eventId: events[1]!.id }, LIVE_KEY)).status).toBe(404);
  });
});

describe('with a Stripe key', () => {
  const clock = testClock(new Date('2026-01-10T12:00:00Z'));
  let stripe: FakeStripe;
  let keyed: TestService;
  beforeAll(async () => {
    stripe = await startFakeStripe({ now: () => clock.now(), webhookSecret: TEST_SECRET });
    keyed = await startTestService({ clock, environment: { STRIPE_API_BASE: stripe.url, STRIPE_TEST_SECRET_KEY: 'sk_test_123' } });
  });
  afterAll(async () => {
    await keyed.stop();
    await stripe.close();
  });

  test('a preview asks Stripe as the event would: a thin event shows what its classic one does, and nothing stays', async () => {
    const { priceId } = stripe.createProductAndPrice({ productName: 'Acme Pro', recurring: 'month', unitAmount: 1900 });
    await createCatalog(keyed, { stripePriceId: priceId });
    const { subscriptionId } = stripe.buySubscription({ email: 'ada@example.com', priceId });
    const classic = stripe.events.find(({ type }) => type === 'customer.subscription.created')!;
    const thin = { id: 'evt_thin_1', object: 'v2.core.event', type: 'v1.customer.subscription.created', livemode: false, created: clock.now().toISOString(), snapshot_event: classic.id, related_object: { id: subscriptionId, type: 'subscription', url: `/v1/subscriptions/${subscriptionId}` } };
    const before = await everyRow(keyed);
    for (const sent of [classic, thin]) {
      const { status, body } = await keyed.call('POST', path, { body: { event: sent } });
      expect([status, body.data]).toEqual([200, expect.objectContaining({ outcome: 'applied', licenses: [expect.objectContaining({ id: null, action: 'issue', after: expect.objectContaining({ userEmail: 'ada@example.com' }) })], mails: [{ kind: 'key_delivery', recipient: 'ada@example.com' }] })]);
    }
    expect(await everyRow(keyed)).toEqual(before);
  });
});
