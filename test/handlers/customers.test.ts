import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createLicense, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth } from '../support/webhook.ts';

const clock = testClock();
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ clock });
});
afterAll(() => tillkey.stop());

const path = '/api/v1/customers';
let next = 0;
const create = async (fields: object = {}) => (await tillkey.call('POST', path, { body: { email: `customer-${(next += 1)}@example.com`, ...fields } })).body.data;
const read = (id: string) => tillkey.call('GET', `${path}/${id}`);
const patch = (id: string, body: object) => tillkey.call('PATCH', `${path}/${id}`, { body });
const remove = (id: string) => tillkey.call('DELETE', `${path}/${id}`);
const act = (id: string, verb: string) => tillkey.call('POST', `${path}/${id}/${verb}`);
const list = async (query: string) => (await tillkey.call('GET', `${path}?${query}`)).body.data;
const eventsOf = async (id: string) =>
  (await tillkey.call('GET', '/api/v1/events?limit=100')).body.data.filter(({ data }: any) => data.id === id).map(({ type, data }: any) => [type, data]).reverse();

/** A first month bought, its events done. */
async function buy(choice: Parameters<typeof firstMonth>[0]) {
  const month = firstMonth(choice);
  for (const sent of month.events) await deliver(tillkey.url, sent);
  await tillkey.settled();
  const [license] = (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=${month.subscription.id}`)).body.data;
  return { ...month, license };
}

describe('a customer', () => {
  test('is created with all fields shown, and told', async () => {
    const { status, body } = await tillkey.call('POST', path, { body: { email: 'Ada@Example.com', name: 'Ada', metadata: { tier: 1 } } });
    expect([status, body.data]).toEqual([201, {
      id: expect.any(String), email: 'Ada@Example.com', name: 'Ada', metadata: { tier: 1 }, bannedAt: null, unsubscribedAt: null, licensesCount: 0, stripeCustomerIds: [],
      createdAt: expect.any(String), updatedAt: expect.any(String), deletedAt: null,
    }]);
    expect((await read(body.data.id)).body.data).toEqual(body.data);
    expect(await eventsOf(body.data.id)).toEqual([['customer.created', expect.objectContaining({ id: body.data.id, email: 'Ada@Example.com' })]]);
  });

  test('has an email no other has, in any case, also when ten ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => tillkey.call('POST', path, { body: { email: n % 2 ? 'once@example.com' : 'ONCE@example.com' } })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)]);
    expect((await list('email=Once@Example.com')).length).toBe(1);
    expect((await tillkey.call('POST', path, { key: LIVE_KEY, body: { email: 'once@example.com' } })).status).toBe(201);
  });

  test('is the one that a license names by email', async () => {
    const customer = await create({ email: 'Known@example.com' });
    const license = await createLicense(tillkey, { license: { userEmail: 'known@EXAMPLE.com', userName: 'Kay' } });
    expect(license).toMatchObject({ customerId: customer.id, userEmail: 'Known@example.com', userName: 'Kay' });
    expect((await read(customer.id)).body.data).toMatchObject({ name: 'Kay', licensesCount: 1 });
    expect((await eventsOf(customer.id)).map(([type]: string[]) => type)).toEqual(['customer.created', 'customer.updated']);
  });

  test.each([[{}], [{ email: 'no address' }], [{ email: null }], [{ email: 'a@example.com', phone: '1' }], [{ email: 'a@example.com', bannedAt: null }]])('of %j is refused', async (body) => {
    expect(await tillkey.call('POST', path, { body })).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });
});

describe('a list of customers', () => {
  test('is filtered by email in any case, and by a part of email or name, in which nothing is a wildcard', async () => {
    const [a, b] = [await create({ email: 'find-me@example.com', name: '100% Zoë' }), await create({ email: 'other@find.example', name: 'Max_Mustermann' })];
    const ids = async (query: string) => (await list(query)).map(({ id }: { id: string }) => id);
    expect(await ids('email=FIND-me@example.com')).toEqual([a.id]);
    expect(await ids('q=FIND')).toEqual([b.id, a.id]);
    expect(await ids(`q=${encodeURIComponent('0% zo')}`)).toEqual([a.id]);
    expect(await ids('q=x_m')).toEqual([b.id]);
    expect(await ids(`q=${a.id}`)).toEqual([a.id]);
    expect(await ids(`q=find&email=other@find.example`)).toEqual([b.id]);
    expect(await ids('q=_find_')).toEqual([]);
  });
});

describe('changing a customer', () => {
  test('changes what is named and nothing else, and tells it; by nothing it tells nothing', async () => {
    const customer = await create({ name: 'Before', metadata: { a: 1 } });
    const { status, body } = await patch(customer.id, { name: 'After' });
    expect([status, body.data]).toEqual([200, { ...customer, name: 'After', updatedAt: body.data.updatedAt }]);
    for (const same of [{}, { name: 'After', metadata: { a: 1 } }]) expect((await patch(customer.id, same)).body.data).toEqual(body.data);
    expect((await eventsOf(customer.id)).map(([type, data]: any) => [type, data.name])).toEqual([['customer.created', 'Before'], ['customer.updated', 'After']]);
    expect((await patch(customer.id, { name: null })).body.data.name).toBeNull();
  });

  test('to an email that another has is refused, and changes and tells nothing', async () => {
    const [customer, other] = [await create(), await create()];
    expect(await patch(customer.id, { name: 'No', email: other.email.toUpperCase() })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect((await read(customer.id)).body.data).toEqual(customer);
    expect(await eventsOf(customer.id)).toHaveLength(1);
  });

  test.each([[{ emailSetByVendor: true }], [{ email: null }], [{ bannedAt: null }], [{ licensesCount: 3 }]])('by %j is refused', async (body) => {
    expect((await patch((await create()).id, body)).status).toBe(400);
  });

  test('to an email of the vendor’s own keeps a later change in Stripe from replacing it', async () => {
    await createCatalog(tillkey, { stripePriceId: 'price_vendor' });
    const changed = (n: number, email: string) => event('customer.updated', { id: `cus_${n}`, email, name: null }, { data: { object: { id: `cus_${n}`, object: 'customer', email, name: null }, previous_attributes: { email: 'before@example.com' } } });
    for (const [n, set] of [[901, false], [902, true]] as const) {
      const { license } = await buy({ n, price: 'price_vendor', email: `bought-${n}@example.com` });
      if (set) await patch(license.customerId, { email: `vendor-${n}@example.com` });
      await deliver(tillkey.url, changed(n, `stripe-${n}@example.com`));
      await tillkey.settled();
      expect((await read(license.customerId)).body.data.email).toBe(set ? 'vendor-902@example.com' : 'stripe-901@example.com');
      expect((await eventsOf(license.customerId)).map(([type]: string[]) => type)).toEqual(['customer.created', 'customer.updated']);
    }
  });
});

describe('banning a customer', () => {
  test('bans all of their licenses until it is taken back', async () => {
    const license = await createLicense(tillkey, { policy: { requireFingerprint: false }, license: { userEmail: 'banned@example.com' } });
    const { status, body } = await act(license.customerId, 'ban');
    expect([status, body.data.bannedAt]).toEqual([200, clock.now().toISOString()]);
    expect(await validate(tillkey, license)).toMatchObject({ valid: false, code: 'BANNED' });
    const later = await createLicense(tillkey, { policy: { requireFingerprint: false }, license: { userEmail: 'banned@example.com' } });
    expect(await validate(tillkey, later)).toMatchObject({ code: 'BANNED' });
    expect((await tillkey.call('GET', `/api/v1/licenses?customerId=${license.customerId}&status=banned`)).body.data).toHaveLength(2);
    expect((await act(license.customerId, 'unban')).body.data.bannedAt).toBeNull();
    expect(await validate(tillkey, license)).toMatchObject({ valid: true });
    expect((await eventsOf(license.customerId)).map(([type, { bannedAt }]: any) => [type, bannedAt !== null])).toEqual([
      ['customer.created', false], ['customer.updated', true], ['customer.updated', false],
    ]);
  });

  test('who is banned, or unbanning who is not, is refused', async () => {
    const { id } = await create();
    expect(await act(id, 'unban')).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => act(id, 'ban')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  });
});

describe('deleting a customer', () => {
  test('is for good, and frees their email', async () => {
    const customer = await create();
    expect((await remove(customer.id)).status).toBe(204);
    for (const answer of [await read(customer.id), await remove(customer.id), await patch(customer.id, {}), await act(customer.id, 'ban')]) expect(answer.status).toBe(404);
    expect((await create({ email: customer.email })).id).not.toBe(customer.id);
  });

  test('is refused while they have a license', async () => {
    const license = await createLicense(tillkey, { license: { userEmail: 'holder@example.com' } });
    expect(await remove(license.customerId)).toMatchObject({ status: 409, body: { code: 'CONFLICT', details: { licenses: 1 } } });
    await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`);
    expect((await remove(license.customerId)).status).toBe(204);
  });

  test('and a license made for them at the same moment: it waits for the deletion, and makes a new customer', async () => {
    const customer = await create();
    const license = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select 1 from customers where id = $1 for update', [customer.id]);
      await run('update customers set deleted_at = now() where id = $1', [customer.id]);
      return commitOnce(createLicense(tillkey, { license: { userEmail: customer.email } }));
    });
    expect(license.userEmail).toBe(customer.email);
    expect(license.customerId).not.toBe(customer.id);
  });

  test('waits for a license that found them and is not made yet', async () => {
    const [customer, other, key] = [await create(), await createLicense(tillkey), 'imported-in-a-race'];
    const [license, deleted] = await withRival(tillkey.databaseUrl, async ({ run, untilStuck }) => {
      // The license's key is taken for now, so that its insert waits.
      await run('update licenses set key_hash = $1 where id = $2', [tillkey.service.dependencies.keys.read(key).hash, other.id]);
      const made = createLicense(tillkey, { license: { userEmail: customer.email, key } });
      await untilStuck(made);
      const removed = remove(customer.id);
      await untilStuck(removed, 2);
      await run('rollback');
      return Promise.all([made, removed]);
    });
    expect([license.customerId, deleted.status]).toEqual([customer.id, 409]);
  });

  test('waits for whoever is giving them a license', async () => {
    const customer = await create();
    const license = await createLicense(tillkey);
    const deleted = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('update licenses set customer_id = $1 where id = $2', [customer.id, license.id]);
      return commitOnce(remove(customer.id));
    });
    expect(deleted.status).toBe(409);
  });

  test('leaves their Stripe customer to whom they are next: another purchase makes a new customer and never revives the old one', async () => {
    await createCatalog(tillkey, { stripePriceId: 'price_again' });
    const first = await buy({ n: 911, price: 'price_again', email: 'again@example.com' });
    await tillkey.call('DELETE', `/api/v1/licenses/${first.license.id}`);
    expect((await remove(first.license.customerId)).status).toBe(204);

    await deliver(tillkey.url, event('invoice.paid', first.invoice));
    await tillkey.settled();
    expect(await list('email=again@example.com')).toEqual([]);

    const second = firstMonth({ n: 912, price: 'price_again', email: 'again@example.com' });
    for (const sent of second.events) await deliver(tillkey.url, JSON.parse(JSON.stringify(sent).replaceAll('cus_912', 'cus_911')));
    await tillkey.settled();
    const [license] = (await tillkey.call('GET', '/api/v1/licenses?stripeSubscriptionId=sub_912')).body.data;
    expect(license.customerId).not.toBe(first.license.customerId);
    expect(await list('email=again@example.com')).toEqual([expect.objectContaining({ id: license.customerId, licensesCount: 1, stripeCustomerIds: ['cus_911'] })]);
    expect((await read(first.license.customerId)).status).toBe(404);
  });
});
