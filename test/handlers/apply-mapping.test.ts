import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createEntitlement, createPolicy } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { LIVE_KEY, startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, type RawEvent, unix } from '../support/webhook.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService();
});
afterAll(() => tillkey.stop());

const apply = (mappingId: string, body: object = {}, key?: string) => tillkey.call('POST', `/api/v1/stripe-mappings/${mappingId}/apply`, { body, ...(key && { key }) });
const applied = async (mappingId: string, body?: object) => {
  const { status, body: answer } = await apply(mappingId, body);
  expect([status, answer.code]).toEqual([200, undefined]);
  return answer.data;
};
const edit = async (mappingId: string, body: object) => expect((await tillkey.call('PATCH', `/api/v1/stripe-mappings/${mappingId}`, { body })).status).toBe(200);
const read = async (id: string) => (await tillkey.call('GET', `/api/v1/licenses/${id}`)).body.data;
const act = async (id: string, action: string) => expect((await tillkey.call('POST', `/api/v1/licenses/${id}/${action}`)).status).toBe(200);
const updates = async (id: string) => (await tillkey.call('GET', `/api/v1/events?licenseId=${id}&limit=100`)).body.data.filter(({ type }: { type: string }) => type === 'license.updated');
const send = async (...events: RawEvent[]) => {
  for (const sent of events) await deliver(tillkey.url, sent);
  await tillkey.settled();
};

let next = 300;
/** A paid month of `quantity` units of a price. */
async function buy(price: string, { quantity = 1, seats = false } = {}) {
  next += 1;
  const month = firstMonth({ n: next, price, email: `applied-${next}@example.com` });
  const subscription = JSON.parse(JSON.stringify(month.subscription).replace('"quantity":1', `"quantity":${quantity}`));
  // One after the other: where the session is not the first, what it says of the buyer is told as a change.
  for (const sent of [month.events[0]!, event('customer.subscription.created', subscription), month.events[2]!]) await send(sent);
  const licenses: any[] = (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=sub_${next}&limit=100`)).body.data;
  expect(licenses).toHaveLength(seats ? 1 : Math.min(quantity, 100));
  return { n: next, subscription, licenses, license: licenses[0] };
}

/** A mapping with a purchase of its price, and what it is then edited to. */
async function edited(change: object = {}, catalog: { policy?: object; mapping?: object } = {}) {
  const price = `price_apply_${next + 1}`;
  const { mappingId, policyId } = await createCatalog(tillkey, { stripePriceId: price, ...catalog });
  const bought = await buy(price);
  const policy = await createPolicy(tillkey, { requireFingerprint: false, maxMachines: 9 });
  await edit(mappingId, { policyId: policy.id, ...change });
  return { ...bought, price, mappingId, before: policyId, policy };
}

describe('applying a mapping', () => {
  test('moves the licenses that it issued to the policy and entitlements it has now, with the same key, and tells each change once', async () => {
    const [old, fresh] = [await createEntitlement(tillkey, 'applied-old'), await createEntitlement(tillkey, 'applied-new')];
    const { license, mappingId, before, policy } = await edited({ entitlementIds: [fresh] }, { mapping: { entitlementIds: [old] } });
    const other = await buy((await catalogOf('price_apply_other')).price);
    expect(await applied(mappingId)).toMatchObject({ dryRun: false, count: 1, licenses: [{
      id: license.id, policyId: { from: before, to: policy.id }, entitlements: { added: ['applied-new'], removed: ['applied-old'] },
      status: { from: 'active', to: 'active' }, maxMachines: { to: 9 }, expiresAt: { from: license.expiresAt, to: license.expiresAt },
    }] });
    const after = await read(license.id);
    expect(after).toEqual({ ...license, policyId: policy.id, productId: policy.productId, entitlements: ['applied-new'], maxMachines: 9, updatedAt: after.updatedAt });
    expect(await updates(license.id)).toEqual([expect.objectContaining({ data: expect.objectContaining({ policyId: policy.id, entitlements: ['applied-new'], updatedAt: after.updatedAt }) })]);
    expect(await read(other.license.id)).toEqual(other.license);
  });

  test('again changes nothing and tells nothing', async () => {
    const { license, mappingId } = await edited();
    await applied(mappingId);
    const after = await read(license.id);
    expect(await applied(mappingId)).toEqual({ dryRun: false, count: 0, licenses: [] });
    expect([await read(license.id), (await updates(license.id)).length]).toEqual([after, 1]);
  });

  test('on a dry run changes nothing, and shows what it then does', async () => {
    const { license, mappingId } = await edited();
    const dry = await applied(mappingId, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, count: 1 });
    expect([await read(license.id), await updates(license.id)]).toEqual([license, []]);
    expect(await applied(mappingId)).toEqual({ ...dry, dryRun: false });
  });

  test('under an Idempotency-Key too', async () => {
    const { license, mappingId, policy } = await edited();
    const ask = (dryRun: boolean) => tillkey.call('POST', `/api/v1/stripe-mappings/${mappingId}/apply`, { body: { dryRun }, headers: { 'idempotency-key': `apply-${mappingId}-${dryRun}` } });
    expect((await ask(true)).body.data.count).toBe(1);
    expect(await read(license.id)).toEqual(license);
    expect((await ask(false)).body).toEqual((await ask(false)).body);
    expect([(await read(license.id)).policyId, (await updates(license.id)).length]).toEqual([policy.id, 1]);
  });

  test('takes what the mapping says of seats and of a failed payment', async () => {
    const { mappingId, price } = await catalogOf(`price_apply_terms_${next}`, { quantityMode: 'SEATS', seatsPerUnit: 2 });
    const { license, n, subscription } = await buy(price, { quantity: 3, seats: true });
    const owed = { id: `in_${n}_2`, customer: `cus_${n}`, customer_email: 'x@example.com', status: 'open', created: unix(), billing_reason: 'subscription_cycle', parent: { subscription_details: { subscription: subscription.id } }, lines: { data: [{ id: `il_${n}_2`, period: { start: unix(30), end: unix(60) }, pricing: { price_details: { price, product: 'prod_1' } }, parent: { subscription_item_details: { subscription_item: `si_${n}`, subscription: subscription.id } } }] } };
    await send(event('invoice.payment_failed', owed), event('customer.subscription.updated', { ...subscription, status: 'past_due' }, { created: unix() + 1 }));
    expect(await read(license.id)).toMatchObject({ status: 'active', maxMachines: 6, billing: { state: 'GRACE' } });
    await edit(mappingId, { seatsPerUnit: 5, gracePeriodDays: 0, quantityMode: 'LICENSES' });
    const [{ billing, ...moved }] = (await applied(mappingId)).licenses;
    expect(moved).toMatchObject({ id: license.id, maxMachines: { from: 6, to: 15 } });
    expect(Date.parse(billing.from.graceEndsAt) - Date.parse(billing.to.graceEndsAt)).toBe(7 * 86_400_000);
    // Whether a unit is a license or a seat stays as it was issued.
    expect((await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=sub_${n}`)).body.data).toMatchObject([{ id: license.id, maxMachines: 15, billing: { graceEndsAt: billing.to.graceEndsAt } }]);
    expect(await updates(license.id)).toHaveLength(1);
  });

  test('moves a license that the vendor had moved by hand; overrides, suspensions and dates of the vendor stay', async () => {
    const { license, mappingId, policy } = await edited();
    const byHand = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: license.productId, name: 'By hand' } })).body.data;
    const vendors = { policyId: byHand.id, maxMachinesOverride: 77, expiresAt: '2039-01-01T00:00:00.000Z', name: 'Mine' };
    expect((await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: vendors })).status).toBe(200);
    await act(license.id, 'suspend');
    expect((await applied(mappingId)).licenses).toMatchObject([{ policyId: { from: byHand.id, to: policy.id } }]);
    expect(await read(license.id)).toMatchObject({ ...vendors, policyId: policy.id, status: 'suspended', maxMachines: 77 });
  });

  test.each<[string, (bought: { license: any; subscription: any }) => Promise<void>]>([
    ['deleted', async ({ license }) => void (await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`))],
    ['revoked by the vendor', ({ license }) => act(license.id, 'revoke')],
    ['banned by the vendor', ({ license }) => act(license.id, 'ban')],
    ['of a subscription that ended', ({ subscription }) => send(event('customer.subscription.deleted', { ...subscription, status: 'canceled', ended_at: unix() - 5 }, { created: unix() + 1 }))],
  ])('leaves a license alone that is %s', async (_title, end) => {
    const { license, subscription, mappingId } = await edited();
    await end({ license, subscription });
    const row = async () => tillkey.service.dependencies.database.em.fork().execute('select to_jsonb(l) as row from licenses l where id = ?', [license.id]);
    const before = await row();
    expect(await applied(mappingId)).toEqual({ dryRun: false, count: 0, licenses: [] });
    expect(await row()).toEqual(before);
  });

  test('of two in one purchase leaves the one alone that is over, and moves the other', async () => {
    const { mappingId, price } = await catalogOf(`price_apply_two_${next}`);
    const { licenses: [over, stays] } = await buy(price, { quantity: 2 });
    await act(over.id, 'revoke');
    const policy = await createPolicy(tillkey);
    await edit(mappingId, { policyId: policy.id });
    expect((await applied(mappingId)).licenses).toMatchObject([{ id: stays.id }]);
    expect([(await read(over.id)).policyId, (await read(stays.id)).policyId]).toEqual([over.policyId, policy.id]);
  });

  test('twice at once, while an event of the purchase comes, ends as if one came after the other', async () => {
    const { license, mappingId, policy, subscription, n } = await edited();
    const renewal = { id: `in_${n}_2`, customer: `cus_${n}`, status: 'paid', created: unix(30), billing_reason: 'subscription_cycle', parent: { subscription_details: { subscription: subscription.id } }, lines: { data: [{ id: `il_${n}_2`, period: { start: unix(30), end: unix(60) }, pricing: { price_details: { price: license.billing.stripePriceId, product: 'prod_1' } }, parent: { subscription_item_details: { subscription_item: `si_${n}`, subscription: subscription.id } } }] } };
    const [answers] = await Promise.all([Promise.all(Array.from({ length: 6 }, () => applied(mappingId))), deliver(tillkey.url, event('invoice.paid', renewal))]);
    await tillkey.settled();
    expect(answers.reduce((sum, { count }) => sum + count, 0)).toBe(1);
    const after = await read(license.id);
    expect(after).toMatchObject({ policyId: policy.id, status: 'active' });
    expect(after.expiresAt > license.expiresAt).toBe(true);
    expect((await updates(license.id)).length).toBe(1);
    const [{ events }] = await tillkey.service.dependencies.database.em.fork().execute<any[]>('select array_agg(sequence order by sequence) as events from events where license_id = ?', [license.id]);
    expect(events).toEqual(events.map((_: unknown, place: number) => place + 1));
  });

  test('waits for whoever is at the purchase, and goes by what they then leave', async () => {
    const { license, mappingId, n } = await edited();
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run(`select pg_advisory_xact_lock(hashtextextended($1, scope_id)) from licenses where id = $2`, [`sub_${n}`, license.id]);
      await run(`update stripe_facts set fact = jsonb_set(fact::jsonb, '{cancelAt}', '"2040-01-01T00:00:00.000Z"') where id = $1`, [`sub_${n}`]);
      expect((await commitOnce(applied(mappingId))).count).toBe(1);
    });
    expect((await read(license.id)).billing.cancelsAt).toBe('2040-01-01T00:00:00.000Z');
  });

  test('waits for a change of the vendor, and tells what it moved the license from', async () => {
    const { license, mappingId, policy } = await edited();
    const byHand = await createPolicy(tillkey);
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('update licenses set policy_id = $1 where id = $2', [byHand.id, license.id]);
      expect((await commitOnce(applied(mappingId))).licenses).toMatchObject([{ policyId: { from: byHand.id, to: policy.id } }]);
    });
  });

  test('that stops halfway is finished by the next', async () => {
    const { mappingId, price } = await catalogOf(`price_apply_half_${next}`);
    const first = await buy(price);
    const second = await buy(price);
    const policy = await createPolicy(tillkey);
    await edit(mappingId, { policyId: policy.id });
    const em = tillkey.service.dependencies.database.em.fork();
    await em.execute(`create function fail() returns trigger language plpgsql as 'begin if new.id = ''${first.license.id}'' then raise exception ''no''; end if; return new; end'`);
    await em.execute('create trigger fail before update on licenses for each row execute function fail()');
    expect((await apply(mappingId)).status).toBe(500);
    expect([(await read(second.license.id)).policyId, (await read(first.license.id)).policyId]).toEqual([policy.id, first.license.policyId]);
    await em.execute('drop trigger fail on licenses; drop function fail()');
    expect((await applied(mappingId)).licenses.map(({ id }: { id: string }) => id)).toEqual([first.license.id]);
  });

  test('shows the newest hundred of all it moved', async () => {
    const { mappingId, price } = await catalogOf(`price_apply_many_${next}`);
    const bought = await buy(price, { quantity: 101 });
    const policy = await createPolicy(tillkey);
    await edit(mappingId, { policyId: policy.id });
    const { count, licenses: shown } = await applied(mappingId);
    const ids = shown.map(({ id }: { id: string }) => id);
    expect([count, ids]).toEqual([101, bought.licenses.map(({ id }) => id)]);
  });

  test('of another mode, that is deleted, or that never was is 404', async () => {
    const { mappingId } = await catalogOf(`price_apply_gone_${next}`);
    expect((await apply(mappingId, {}, LIVE_KEY)).status).toBe(404);
    await tillkey.call('DELETE', `/api/v1/stripe-mappings/${mappingId}`);
    for (const id of [mappingId, 'x']) expect((await apply(id)).status).toBe(404);
    expect((await apply(mappingId, { dryRun: 'yes' })).status).toBe(400);
  });
});

async function catalogOf(price: string, mapping: object = {}) {
  return { price, ...(await createCatalog(tillkey, { stripePriceId: price, mapping })) };
}
