import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPolicy } from '../support/license.ts';
import { startTestService, type TestService } from '../support/service.ts';

let tillkey: TestService;
let productId: string;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  ({ productId } = await createPolicy(tillkey));
});
afterAll(() => tillkey.stop());

let next = 0;
const lists: [string, () => Promise<object>][] = [
  ['products', async () => ({ name: 'Acme', code: `LIST-${(next += 1)}` })],
  ['policies', async () => ({ name: 'Pro', productId })],
  ['entitlements', async () => ({ name: 'List', code: `list-${(next += 1)}` })],
  ['customers', async () => ({ email: `list-${(next += 1)}@example.com` })],
  ['api-keys', async () => ({ name: 'List' })],
  ['stripe-mappings', async () => ({ stripePriceId: `price_list_${(next += 1)}`, policyId: (await createPolicy(tillkey)).id })],
];

describe.each(lists)('the list of %s', (name, body) => {
  const path = `/api/v1/${name}`;
  const get = (query: string) => tillkey.call('GET', `${path}?${query}`);
  const create = async () => (await tillkey.call('POST', path, { body: await body() })).body.data.id;

  test('goes on after a row that was deleted since, and shows no deleted row', async () => {
    const ids = [];
    for (let n = 0; n < 4; n += 1) ids.unshift(await create());
    const first = (await get('limit=2')).body;
    expect(first.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    for (const { id } of first.data) expect((await tillkey.call('DELETE', `${path}/${id}`)).status).toBe(204);
    const second = (await get(`limit=2&cursor=${first.pagination.nextCursor}`)).body;
    expect(second.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
    expect((await get('limit=2')).body.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
  });

  test.each(['limit=0', 'limit=101', 'limit=ten', 'cursor=x', 'cursor=01a1fc5f-156a-700f-9e5a-c932c4081e34', 'sort=name'])('with %s is 400', async (query) => {
    expect(await get(query)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('takes a limit of 1 to 100', async () => {
    for (const limit of [1, 100]) expect((await get(`limit=${limit}`)).status).toBe(200);
  });

  test('refuses a cursor of another list', async () => {
    const other = name === 'products' ? '/api/v1/policies' : '/api/v1/products';
    const { data: [row] } = (await tillkey.call('GET', other)).body;
    expect(await get(`cursor=${row.id}`)).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['cursor'] }] } } });
  });
});
