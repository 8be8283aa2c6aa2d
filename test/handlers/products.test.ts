import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLicense, createPolicy } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, testClock, type TestService } from '../support/service.ts';

const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
});
afterAll(() => tillkey.stop());

let next = 0;
const create = async (fields: object = {}) => (await tillkey.call('POST', '/api/v1/products', { body: { name: 'Acme', code: `PRODUCT-${(next += 1)}`, ...fields } })).body.data;
const patch = (id: string, body: object) => tillkey.call('PATCH', `/api/v1/products/${id}`, { body });
const remove = (id: string) => tillkey.call('DELETE', `/api/v1/products/${id}`);
const read = (id: string) => tillkey.call('GET', `/api/v1/products/${id}`);

describe('changing a product', () => {
  test('changes what is named and nothing else', async () => {
    const product = await create({ description: 'Text', metadata: { a: 1 } });
    clock.set(new Date('2026-06-02T00:00:00.000Z'));
    const { status, body } = await patch(product.id, { name: 'Acme 2', description: null });
    expect([status, body.data]).toEqual([200, { ...product, name: 'Acme 2', description: null, updatedAt: '2026-06-02T00:00:00.000Z' }]);
    expect((await read(product.id)).body.data).toEqual(body.data);
  });

  test('by nothing changes nothing', async () => {
    const product = await create({ metadata: { a: 1 }, description: 'Text' });
    clock.set(new Date('2026-06-03T00:00:00.000Z'));
    for (const body of [{}, { metadata: { a: 1 } }]) expect(await patch(product.id, body)).toMatchObject({ status: 200, body: { data: product } });
  });

  test('to the code of another is refused, and to its own is not', async () => {
    const [product, other] = [await create(), await create()];
    expect(await patch(product.id, { name: 'No', code: other.code })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect((await read(product.id)).body.data).toEqual(product);
    expect((await patch(product.id, { code: product.code })).status).toBe(200);
  });

  test('to another key prefix counts for new keys only', async () => {
    const license = await createLicense(tillkey);
    await patch(license.productId, { keyPrefix: 'NEXT' });
    const later = await createLicense(tillkey, { policyId: license.policyId });
    expect(later.key).toMatch(/^NEXT-/);
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data.key).toBe(license.key);
  });

  test.each([
    ['an unknown field', { nome: 'x' }], ['an id', { id: '01a1fc5f-156a-700f-9e5a-c932c4081e34' }], ['no name', { name: null }],
    ['a bad prefix', { keyPrefix: 'lower' }], ['an empty name', { name: '' }], ['a count', { licensesCount: 1 }],
  ])('by %s is refused', async (_title, body) => {
    expect(await patch((await create()).id, body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });
});

describe('deleting a product', () => {
  test('is for good, and frees its code', async () => {
    const product = await create();
    expect(await remove(product.id)).toMatchObject({ status: 204, body: {} });
    for (const answer of [await read(product.id), await remove(product.id), await patch(product.id, {})]) expect(answer.status).toBe(404);
    expect((await tillkey.call('GET', '/api/v1/products')).body.data.map(({ id }: { id: string }) => id)).not.toContain(product.id);
    expect((await create({ code: product.code })).code).toBe(product.code);
  });

  test('is refused while it has a policy', async () => {
    const policy = await createPolicy(tillkey);
    expect(await remove(policy.productId)).toMatchObject({ status: 409, body: { code: 'CONFLICT', details: { policies: 1, licenses: 0 } } });
    await tillkey.call('DELETE', `/api/v1/policies/${policy.id}`);
    expect((await remove(policy.productId)).status).toBe(204);
  });

  test('and a policy made for it at the same moment never both succeed: the policy waits for the deletion, and finds no product', async () => {
    const product = await create();
    const policy = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select 1 from products where id = $1 for update', [product.id]);
      await run('update products set deleted_at = now() where id = $1', [product.id]);
      return commitOnce(tillkey.call('POST', '/api/v1/policies', { body: { productId: product.id, name: 'Pro' } }));
    });
    expect(policy).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['productId'] }] } } });
  });

  test('waits for whoever is using it', async () => {
    const policy = await createPolicy(tillkey);
    const product = await create();
    const deleted = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('update policies set product_id = $1 where id = $2', [product.id, policy.id]);
      return commitOnce(remove(product.id));
    });
    expect(deleted.status).toBe(409);
  });
});
