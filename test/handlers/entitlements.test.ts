import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { createEntitlement, createLicense, validate } from '../support/license.ts';
import { startTestService, type TestService } from '../support/service.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
});
afterAll(() => tillkey.stop());

const path = '/api/v1/entitlements';
const patch = (id: string, body: object) => tillkey.call('PATCH', `${path}/${id}`, { body });
const remove = (id: string) => tillkey.call('DELETE', `${path}/${id}`);

/** A license that has `code` by itself and by its policy. */
async function granted(code: string) {
  const id = await createEntitlement(tillkey, code);
  const license = await createLicense(tillkey, { policy: { requireFingerprint: false }, license: { entitlementIds: [id] } });
  await tillkey.call('POST', `/api/v1/policies/${license.policyId}/entitlements`, { body: { entitlementIds: [id] } });
  return { id, license };
}

describe('changing an entitlement', () => {
  test('changes what is named, and the code its licenses show', async () => {
    const { id, license } = await granted('old');
    const { status, body } = await patch(id, { code: 'new', metadata: { a: 1 } });
    expect([status, body.data]).toEqual([200, expect.objectContaining({ id, code: 'new', name: 'old', metadata: { a: 1 } })]);
    expect((await patch(id, {})).body.data).toEqual(body.data);
    expect((await validate(tillkey, license)).entitlements).toEqual(['new']);
  });

  test('to the code of another is refused', async () => {
    const [id] = [await createEntitlement(tillkey, 'mine'), await createEntitlement(tillkey, 'theirs')];
    expect(await patch(id, { code: 'theirs' })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  });

  test.each([[{ code: 'Upper' }], [{ name: '' }], [{ nome: 'x' }], [{ metadata: null }]])('to %j is refused', async (body) => {
    expect((await patch(await createEntitlement(tillkey, `bad-${JSON.stringify(body).length}`), body)).status).toBe(400);
  });
});

describe('deleting an entitlement', () => {
  test('takes it from the licenses, policies and mappings that have it; its code is free, for an entitlement nobody has yet', async () => {
    const { id, license } = await granted('gone');
    const { mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_gone', mapping: { entitlementIds: [id] } });
    expect((await remove(id)).status).toBe(204);
    for (const answer of [await remove(id), await patch(id, {}), await tillkey.call('GET', `${path}/${id}`)]) expect(answer.status).toBe(404);
    const again = await createEntitlement(tillkey, 'gone');
    expect(again).not.toBe(id);
    expect(await validate(tillkey, license, { entitlements: ['gone'] })).toMatchObject({ code: 'ENTITLEMENTS_MISSING', entitlements: [] });
    expect((await tillkey.call('GET', `/api/v1/policies/${license.policyId}`)).body.data.entitlements).toEqual([]);
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data.entitlements).toEqual([]);
    expect((await tillkey.call('GET', `/api/v1/stripe-mappings/${mappingId}`)).body.data.entitlementIds).toEqual([]);
  });
});
