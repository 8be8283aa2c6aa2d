import { afterEach, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { backends, LIVE_KEY, startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';

let running: TestService[] = [];
const start = async (...choice: Parameters<typeof startTestService>) => {
  const tillkey = await startTestService(...choice);
  running.push(tillkey);
  return tillkey;
};
afterEach(async () => {
  for (const tillkey of running.reverse()) await tillkey.stop();
  running = [];
});

const permutations = <T>(list: T[]): T[][] => (list.length < 2 ? [list] : list.flatMap((first, n) => permutations(list.toSpliced(n, 1)).map((rest) => [first, ...rest])));
const licensesOf = async ({ call }: TestService, query = '') => (await call('GET', `/api/v1/licenses${query}`)).body.data;
const validate = async ({ call }: TestService, key: string) => (await call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key } })).body.data;

describe.each(backends())('a subscription bought, with the queues in %s,', (backend) => {
  test('is one customer, one license, one mail and VALID, whatever the order of its events', async () => {
    const tillkey = await start({ backend });
    await createCatalog(tillkey);
    const orders = permutations([0, 1, 2]);
    for (const [n, order] of orders.entries()) {
      const { events } = firstMonth({ n, email: `buyer-${n}@example.com` });
      for (const index of order) {
        expect((await deliver(tillkey.url, events[index]!)).status).toBe(200);
        await tillkey.settled();
      }
      const [license, ...others] = await licensesOf(tillkey, `?stripeSubscriptionId=sub_${n}`);
      expect(others).toEqual([]);
      expect(license).toMatchObject({ status: 'active', userEmail: `buyer-${n}@example.com`, billing: { state: 'ACTIVE', stripeCustomerId: `cus_${n}`, stripeCheckoutSessionId: `cs_${n}` } });
      expect(license.key).toMatch(/^ACME(-[0-9A-HJKMNP-TV-Z]{4}){4}$/);
      expect(await validate(tillkey, license.key)).toMatchObject({ valid: true, code: 'VALID' });
      const outcomes = await Promise.all(events.map(async ({ id }) => (await tillkey.call('GET', `/api/v1/stripe-events/${id}`)).body.data));
      expect(outcomes.map(({ outcome, reason }) => [outcome, reason])).toEqual(Array(3).fill(['applied', 'The licenses of this purchase are up to date.']));
    }
    const mails = await tillkey.mails();
    expect(mails.map(({ to }) => to?.[0]?.address).sort()).toEqual(orders.map((_, n) => `buyer-${n}@example.com`).sort());
    expect((await tillkey.call('GET', '/api/v1/customers')).body.data).toHaveLength(orders.length);
  });

  test('is one of each, also when ten deliveries of each event come at once to two processes', async () => {
    const tillkey = await start({ backend });
    const second = await start({ backend, databaseUrl: tillkey.databaseUrl });
    await createCatalog(tillkey);
    const { events } = firstMonth();
    const deliveries = Array.from({ length: 10 }, (_, n) => events.map((sent) => deliver(n % 2 ? tillkey.url : second.url, sent))).flat();
    expect((await Promise.all(deliveries)).every(({ status }) => status === 200)).toBe(true);
    await tillkey.settled();
    expect(await licensesOf(tillkey)).toHaveLength(1);
    expect((await tillkey.call('GET', '/api/v1/customers')).body.data).toHaveLength(1);
    expect([...(await tillkey.mails()), ...(await second.mails())]).toHaveLength(1);
  });
});

describe('a purchase', () => {
  test('that is canceled expires when Stripe ended it, also when the end comes first', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    for (const [n, order] of [[0, 1, 2, 3], [3, 2, 1, 0]].entries()) {
      const { events, subscription } = firstMonth({ n });
      const all = [...events, event('customer.subscription.deleted', { ...subscription, status: 'canceled', ended_at: unix() - 60 }, { created: unix() + 5 })];
      for (const index of order) await deliver(tillkey.url, all[index]!);
      await tillkey.settled();
      const [license] = await licensesOf(tillkey, `?stripeSubscriptionId=sub_${n}`);
      expect(license).toMatchObject({ status: 'expired', billing: { state: 'ENDED', reason: 'CANCELED' } });
      expect(await validate(tillkey, license.key)).toMatchObject({ valid: false, code: 'EXPIRED' });
      expect((await tillkey.mails()).filter(({ text }) => text?.includes(license.key))).toHaveLength(1);
    }
  });

  test('of an unmapped price is visible, and issued by a replay once the price is mapped', async () => {
    const tillkey = await start();
    const { events } = firstMonth();
    for (const sent of events) expect((await deliver(tillkey.url, sent)).status).toBe(200);
    await tillkey.settled();
    const ignored = (await tillkey.call('GET', '/api/v1/stripe-events?outcome=ignored')).body.data;
    expect(ignored).toHaveLength(3);
    expect(ignored[0].reason).toContain('price_1');
    await createCatalog(tillkey);
    expect((await tillkey.call('POST', `/api/v1/stripe-events/${ignored[1].id}/replay`)).status).toBe(200);
    await tillkey.settled();
    expect(await licensesOf(tillkey)).toHaveLength(1);
    expect((await tillkey.call('GET', '/api/v1/stripe-events?outcome=applied')).body.data).toHaveLength(3);
  });

  test('by somebody who bought before is a second license of the same customer', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    for (const [n, email] of [[1, 'jo@example.com'], [2, 'JO@Example.com']] as const) {
      for (const sent of firstMonth({ n, email }).events) await deliver(tillkey.url, sent);
    }
    await tillkey.settled();
    expect((await tillkey.call('GET', '/api/v1/customers')).body.data).toMatchObject([{ email: 'jo@example.com', licensesCount: 2, stripeCustomerIds: ['cus_1', 'cus_2'] }]);
    expect(await tillkey.mails()).toHaveLength(2);
  });

  test('of whom no email is known is issued, needs attention, and is mailed once the email is told', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    const { events } = firstMonth();
    await deliver(tillkey.url, events[1]!);
    await tillkey.settled();
    expect(await licensesOf(tillkey)).toMatchObject([{ customerId: null, status: 'active' }]);
    expect((await tillkey.call('GET', '/api/v1/stripe-events')).body.data).toMatchObject([{ outcome: 'needs_attention', reason: expect.stringContaining('email') }]);
    await deliver(tillkey.url, event('customer.updated', { id: 'cus_1', email: 'late@example.com', name: null }));
    await tillkey.settled();
    expect(await licensesOf(tillkey)).toMatchObject([{ userEmail: 'late@example.com' }]);
    expect(await tillkey.mails()).toHaveLength(1);
    expect((await tillkey.call('GET', '/api/v1/stripe-events?outcome=needs_attention')).body.data).toEqual([]);
  });

  test('of which the checkout is told last names its buyer all the same, and never anew', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    const { events } = firstMonth();
    for (const sent of [...events.slice(1), ...events.slice(0, 1)]) {
      await deliver(tillkey.url, sent);
      await tillkey.settled();
    }
    const [license] = await licensesOf(tillkey);
    expect(license).toMatchObject({ userEmail: 'jo@example.com', userName: 'Jo' });
    await tillkey.call('PATCH', `/api/v1/customers/${license.customerId}`, { body: { name: 'Jo of Acme' } });
    await deliver(tillkey.url, event('customer.updated', { id: 'cus_1', email: 'jo@example.com', name: 'Jo' }));
    await tillkey.settled();
    expect(await licensesOf(tillkey)).toMatchObject([{ userName: 'Jo of Acme' }]);
  });

  test('that moves to the price of another product keeps its key and takes the new terms', async () => {
    const tillkey = await start();
    const basic = await createCatalog(tillkey);
    const pro = await createCatalog(tillkey, { stripePriceId: 'price_2' });
    const { events, subscription } = firstMonth();
    for (const sent of events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    const [before] = await licensesOf(tillkey);
    expect(before).toMatchObject({ productId: basic.productId, policyId: basic.policyId });
    const [item] = subscription.items.data;
    const moved = { ...subscription, items: { data: [{ ...item, price: { id: 'price_2', product: 'prod_2' } }] } };
    await deliver(tillkey.url, event('customer.subscription.updated', moved, { created: unix() + 5 }));
    await tillkey.settled();
    const [after, ...others] = await licensesOf(tillkey);
    expect(after).toMatchObject({ id: before.id, key: before.key, productId: pro.productId, policyId: pro.policyId, billing: { stripePriceId: 'price_2', mappingId: pro.mappingId } });
    expect(others).toEqual([]);
    expect(await tillkey.mails()).toHaveLength(1);
  });

  test.each([['before', [3, 0, 1, 2]], ['after', [0, 1, 2, 3]]])('whose buyer changed their email in Stripe shows the new one, told %s the purchase', async (_title, order) => {
    const tillkey = await start();
    await createCatalog(tillkey);
    const changed = event('customer.updated', { id: 'cus_1', email: 'New@example.com', name: 'Jo' }, { created: unix() + 9, data: { object: { id: 'cus_1', email: 'New@example.com', name: 'Jo' }, previous_attributes: { email: 'jo@example.com' } } });
    const all = [...firstMonth().events, changed];
    for (const index of order) {
      await deliver(tillkey.url, all[index]!);
      await tillkey.settled();
    }
    expect((await tillkey.call('GET', '/api/v1/customers')).body.data).toMatchObject([{ email: 'new@example.com', licensesCount: 1 }]);
  });

  test('whose buyer takes the email of another customer stays with its own', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    for (const [n, email] of [[1, 'jo@example.com'], [2, 'kim@example.com']] as const) for (const sent of firstMonth({ n, email }).events) await deliver(tillkey.url, sent);
    // Told before the purchase, the same email would have made them one customer from the start.
    await tillkey.settled();
    const object = { id: 'cus_1', email: 'kim@example.com', name: 'Jo' };
    await deliver(tillkey.url, event('customer.updated', object, { created: unix() + 9, data: { object, previous_attributes: { email: 'jo@example.com' } } }));
    await tillkey.settled();
    expect((await tillkey.call('GET', '/api/v1/customers')).body.data.map(({ email, licensesCount }: any) => [email, licensesCount]).sort()).toEqual([['jo@example.com', 1], ['kim@example.com', 1]]);
  });

  test('in test mode is nowhere in live data', async () => {
    const tillkey = await start();
    await createCatalog(tillkey);
    await createCatalog(tillkey, { key: LIVE_KEY });
    for (const sent of firstMonth().events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    for (const list of ['licenses', 'customers', 'stripe-events']) expect((await tillkey.call('GET', `/api/v1/${list}`, { key: LIVE_KEY })).body.data).toEqual([]);
  });

  test('grants the entitlements of its mapping', async () => {
    const tillkey = await start();
    const entitlement = (await tillkey.call('POST', '/api/v1/entitlements', { body: { code: 'sso', name: 'SSO' } })).body.data;
    await createCatalog(tillkey, { mapping: { entitlementIds: [entitlement.id] } });
    for (const sent of firstMonth().events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    const [license] = await licensesOf(tillkey);
    expect(license.entitlements).toEqual(['sso']);
    const ask = async (entitlements: string[]) => (await tillkey.call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: license.key, entitlements } })).body.data.code;
    expect([await ask(['sso']), await ask(['sso', 'audit'])]).toEqual(['VALID', 'ENTITLEMENTS_MISSING']);
  });
});
