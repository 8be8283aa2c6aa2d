import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LIVE_KEY, startTestService, TEST_KEY, testClock, type TestService } from '../support/service.ts';

const start = new Date('2026-06-01T00:00:00.000Z');
const clock = testClock(start);
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
});
afterAll(() => tillkey.stop());

const path = '/api/v1/api-keys';
const ask = (body: object, key = TEST_KEY) => tillkey.call('POST', path, { body: { name: 'Key', ...body }, key });
const create = async (body: object = {}, key = TEST_KEY) => (await ask(body, key)).body.data;
const patch = (id: string, body: object, key = TEST_KEY) => tillkey.call('PATCH', `${path}/${id}`, { body, key });
const remove = (id: string, key = TEST_KEY) => tillkey.call('DELETE', `${path}/${id}`, { key });
const read = async (id: string) => (await tillkey.call('GET', `${path}/${id}`)).body.data;
const list = (key: string) => tillkey.call('GET', '/api/v1/products', { key });

describe('an API key', () => {
  test('is shown once, in the answer to its creation, and works at once', async () => {
    const { status, body: { data: { key, ...shown } } } = await ask({ name: 'Deploy', scopes: ['products:read', 'products:read'] });
    expect(status).toBe(201);
    expect(key).toMatch(/^lk_test_[0-9a-z]{50}$/);
    expect(shown).toEqual({
      id: expect.any(String), name: 'Deploy', prefix: key.slice(0, 12), scopes: ['products:read'], expiresAt: null, lastUsedAt: null,
      createdAt: start.toISOString(), deletedAt: null,
    });
    expect(await read(shown.id)).toEqual(shown);
    expect((await tillkey.call('GET', path)).body.data[0]).toEqual(shown);
    expect((await list(key)).status).toBe(200);
    expect((await read(shown.id)).lastUsedAt).toBe(start.toISOString());
    expect((await tillkey.call('POST', '/api/v1/products', { key, body: { name: 'No', code: 'NO' } })).body).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('is not in the database, as it is or readable', async () => {
    const { key } = await create();
    const rows = await tillkey.service.dependencies.database.em.fork().execute<object[]>('select * from api_keys');
    expect(JSON.stringify(rows)).not.toContain(key.slice(12));
  });

  test('belongs to the mode of the key that made it', async () => {
    const live = await create({}, LIVE_KEY);
    expect(live.key).toMatch(/^lk_live_/);
    expect((await tillkey.call('GET', `${path}/${live.id}`)).status).toBe(404);
    expect((await remove(live.id)).status).toBe(404);
    expect((await list(live.key)).body.data).toEqual([]);
  });

  test('lets nobody in from the moment it ends', async () => {
    clock.set(start);
    const { key } = await create({ expiresAt: '2026-06-02T02:00:00+02:00' });
    clock.set(new Date('2026-06-01T23:59:59.999Z'));
    expect((await list(key)).status).toBe(200);
    clock.set(new Date('2026-06-02T00:00:00.000Z'));
    expect((await list(key)).status).toBe(401);
    clock.set(start);
  });

  test.each([
    [{ name: '' }], [{ name: null }], [{ scopes: ['products:delete'] }], [{ scopes: ['everything'] }], [{ scopes: 'products:read' }], [{ scopes: null }],
    [{ expiresAt: '2026-05-31T00:00:00Z' }], [{ expiresAt: start.toISOString() }], [{ expiresAt: 'tomorrow' }], [{ key: 'lk_test_mine' }], [{ prefix: 'lk_test_aaaa' }],
  ])('of %j is refused, on create and on change', async (body) => {
    expect(await ask(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
    expect((await patch((await create()).id, body)).status).toBe(400);
  });

  test('is changed in what is named, at once', async () => {
    const { key, ...shown } = await create({ scopes: ['products:read'], expiresAt: '2026-07-01T00:00:00.000Z' });
    expect((await patch(shown.id, { name: 'Renamed' })).body.data).toEqual({ ...shown, name: 'Renamed' });
    expect((await patch(shown.id, { scopes: ['licenses:read'], expiresAt: null })).body.data).toMatchObject({ scopes: ['licenses:read'], expiresAt: null });
    expect((await list(key)).status).toBe(403);
    expect((await patch(shown.id, { scopes: [] })).body.data.scopes).toEqual([]);
    expect((await list(key)).status).toBe(200);
  });

  test('that was deleted lets nobody in', async () => {
    const { id, key } = await create();
    expect((await remove(id)).status).toBe(204);
    expect((await list(key)).status).toBe(401);
    for (const answer of [await remove(id), await patch(id, {}), await tillkey.call('GET', `${path}/${id}`)]) expect(answer.status).toBe(404);
  });
});

describe('a key with scopes', () => {
  const own = ['api-keys:read', 'api-keys:write', 'products:read'];
  const forbidden = { status: 403, body: { code: 'FORBIDDEN' } };

  test.each([
    [201, { scopes: ['products:read'] }], [201, { scopes: own }],
    [403, { scopes: ['products:write'] }], [403, { scopes: [...own, 'licenses:read'] }], [403, { scopes: [] }], [403, {}],
  ])('gets %s for asking for a key with %j: it hands out what it has, and something', async (status, body) => {
    const { key } = await create({ scopes: own });
    expect((await ask(body, key)).status).toBe(status);
  });

  test('widens neither itself nor another', async () => {
    const { id, key } = await create({ scopes: own });
    const lesser = await create({ scopes: ['products:read'] });
    for (const target of [id, lesser.id]) {
      for (const scopes of [[], ['products:write'], [...own, 'events:read']]) expect(await patch(target, { scopes }, key)).toMatchObject(forbidden);
    }
    expect((await patch(lesser.id, { scopes: own, name: 'Wider' }, key)).status).toBe(200);
    expect((await patch(id, { scopes: ['products:read'] }, key)).status).toBe(200);
  });

  test('and an end hands on no later one, and does not take its own away', async () => {
    const soon = new Date(start.getTime() + 60_000).toISOString();
    const { id, key } = await create({ expiresAt: soon });
    for (const expiresAt of [null, new Date(start.getTime() + 60_001).toISOString()]) {
      expect(await ask({ expiresAt }, key)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      expect(await patch(id, { expiresAt }, key)).toMatchObject({ status: 403 });
    }
    expect(await ask({}, key)).toMatchObject({ status: 403 });
    expect(await ask({ expiresAt: soon }, key)).toMatchObject({ status: 201 });
    expect(await patch(id, { name: 'Renamed' }, key)).toMatchObject({ status: 200, body: { data: { expiresAt: soon } } });
  });

  test('neither changes nor deletes a key that may do more', async () => {
    const { key } = await create({ scopes: own });
    for (const scopes of [[], ['licenses:read'], [...own, 'events:read']]) {
      const { id } = await create({ scopes });
      expect(await patch(id, { name: 'Taken', scopes: ['products:read'] }, key)).toMatchObject(forbidden);
      expect(await remove(id, key)).toMatchObject(forbidden);
      expect(await read(id)).toMatchObject({ name: 'Key', scopes });
    }
    expect((await remove((await create({ scopes: ['products:read'] })).id, key)).status).toBe(204);
  });

  test('that may not write API keys makes none', async () => {
    const { key } = await create({ scopes: ['api-keys:read', 'products:write'] });
    expect(await ask({ scopes: ['products:write'] }, key)).toMatchObject(forbidden);
    expect((await tillkey.call('GET', path, { key })).status).toBe(200);
  });

  test('does not get a wider key by repeating the request that made one', async () => {
    const { key } = await create({ scopes: own });
    const headers = { 'idempotency-key': 'make-a-key' };
    const made = await tillkey.call('POST', path, { headers, body: { name: 'Root' } });
    expect(made.status).toBe(201);
    const repeated = await tillkey.call('POST', path, { headers, body: { name: 'Root' }, key });
    expect(repeated).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(JSON.stringify(repeated.body)).not.toContain('lk_test_');
  });
});
