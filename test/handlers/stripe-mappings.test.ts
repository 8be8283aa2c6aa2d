import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createEntitlement, createPolicy } from '../support/license.ts';
import { LIVE_KEY, startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService();
});
afterAll(() => tillkey.stop());

const path = '/api/v1/stripe-mappings';
const read = (id: string) => tillkey.call('GET', `${path}/${id}`);
const patch = (id: string, body: object) => tillkey.call('PATCH', `${path}/${id}`, { body });
const remove = (id: string) => tillkey.call('DELETE', `${path}/${id}`);
const licensesOf = async (n: number) => (await tillkey.call('GET', `/api/v1/licenses?stripeSubscriptionId=sub_${n}`)).body.data;

let next = 920;
/** A month of `quantity` units bought, and another one of it paid when asked. */
async function buy(price: string, quantity = 1) {
  const n = (next += 1);
  const month = firstMonth({ n, price, email: `mapped-${n}@example.com` });
  const subscription = JSON.parse(JSON.stringify(month.subscription).replace('"quantity":1', `"quantity":${quantity}`));
  const send = async (...events: Parameters<typeof deliver>[1][]) => {
    for (const sent of events) await deliver(tillkey.url, sent);
    await tillkey.settled();
    return licensesOf(n);
  };
  const line = { ...month.invoice.lines.data[0]!, period: { start: unix(30), end: unix(60) } };
  const invoice = { ...month.invoice, id: `in_${n}_2`, created: unix(30), billing_reason: 'subscription_cycle', lines: { data: [{ ...line, id: `il_${n}_2` }] } };
  const licenses = await send(month.events[0]!, event('customer.subscription.created', subscription), month.events[2]!);
  return { n, licenses, renew: () => send(event('invoice.paid', invoice)) };
}

describe('changing a mapping', () => {
  test('changes what is named and nothing else', async () => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_change' });
    const before = (await read(mappingId)).body.data;
    const changed = { gracePeriodDays: 3, quantityMode: 'SEATS', seatsPerUnit: 5, onFullRefund: 'KEEP', onDispute: 'KEEP', onPauseCollection: 'KEEP', issueOnTrial: false, issueOnOpenInvoice: true, sendKeyEmail: false, active: false, metadata: { a: 1 } };
    const { status, body } = await patch(mappingId, changed);
    expect([status, body.data]).toEqual([200, { ...before, ...changed, updatedAt: body.data.updatedAt }]);
    expect((await patch(mappingId, {})).body.data).toEqual(body.data);
  });

  test('leaves it with exactly one of a price and a product', async () => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_one_target' });
    for (const body of [{ stripeProductId: 'prod_both' }, { stripePriceId: null }]) {
      expect(await patch(mappingId, body)).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['stripePriceId'] }] } } });
    }
    expect((await patch(mappingId, { stripePriceId: null, stripeProductId: 'prod_now' })).body.data).toMatchObject({ stripePriceId: null, stripeProductId: 'prod_now' });
  });

  test('to the price of another is refused', async () => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_here' });
    await createCatalog(tillkey, { stripePriceId: 'price_there' });
    expect(await patch(mappingId, { active: false, stripePriceId: 'price_there' })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect((await read(mappingId)).body.data).toMatchObject({ active: true, stripePriceId: 'price_here' });
  });

  test('names policies and entitlements of its own scope only', async () => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_scope' });
    const live = await createCatalog(tillkey, { stripePriceId: 'price_scope', key: LIVE_KEY });
    for (const [field, value] of [['policyId', live.policyId], ['entitlementIds', [live.policyId]]] as const) {
      expect(await patch(mappingId, { [field]: value })).toMatchObject({ status: 400, body: { details: { issues: [{ path: [field] }] } } });
    }
  });

  test.each([[{ stripePrice: 'price_x' }], [{ gracePeriodDays: -1 }], [{ policyId: null }], [{ quantityMode: 'UNITS' }]])('by %j is refused', async (body) => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: `price_bad_${JSON.stringify(body).length}` });
    expect((await patch(mappingId, body)).status).toBe(400);
  });

  test('changes no issued license, not even when it renews; what is bought from then on is as it says', async () => {
    const price = 'price_edited';
    const [old, fresh] = [await createEntitlement(tillkey, 'edited-old'), await createEntitlement(tillkey, 'edited-new')];
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: price, mapping: { entitlementIds: [old] } });
    const bought = await buy(price, 2);
    expect(bought.licenses).toHaveLength(2);
    const policy = await createPolicy(tillkey);
    await patch(mappingId, { policyId: policy.id, entitlementIds: [fresh], quantityMode: 'SEATS' });
    expect(await licensesOf(bought.n)).toEqual(bought.licenses);

    const renewed = await bought.renew();
    expect(renewed).toHaveLength(2);
    for (const [place, license] of renewed.entries()) {
      const { policyId, productId, entitlements, status, maxMachines } = bought.licenses[place];
      expect(license).toMatchObject({ policyId, productId, entitlements, status, maxMachines, billing: { state: 'ACTIVE' } });
      expect(license.expiresAt > bought.licenses[place].expiresAt).toBe(true);
    }
    expect((await buy(price, 2)).licenses).toEqual([expect.objectContaining({ policyId: policy.id, entitlements: ['edited-new'], maxMachines: 2 })]);
  });
});

describe('deleting a mapping', () => {
  test('is for good, and frees its price', async () => {
    const { mappingId, policyId } = await createCatalog(tillkey, { stripePriceId: 'price_deleted' });
    expect((await remove(mappingId)).status).toBe(204);
    for (const answer of [await read(mappingId), await remove(mappingId), await patch(mappingId, {})]) expect(answer.status).toBe(404);
    expect((await tillkey.call('POST', path, { body: { policyId, stripePriceId: 'price_deleted' } })).status).toBe(201);
  });

  test('issues nothing more, and goes on renewing what was issued', async () => {
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_retired' });
    const bought = await buy('price_retired');
    await remove(mappingId);
    expect((await buy('price_retired')).licenses).toEqual([]);
    const [renewed] = await bought.renew();
    expect(renewed).toMatchObject({ status: 'active', policyId: bought.licenses[0].policyId });
    expect(renewed.expiresAt > bought.licenses[0].expiresAt).toBe(true);
  });
});
