import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCatalog } from '../support/catalog.ts';
import { activate, createEntitlement, createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';

const start = new Date('2026-06-01T00:00:00.000Z');
const clock = testClock(start);
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock, environment: { RATE_LIMIT_ACTIVATE: '0' } });
});
afterAll(() => tillkey.stop());

const path = '/api/v1/policies';
const read = async (id: string) => (await tillkey.call('GET', `${path}/${id}`)).body.data;
const patch = (id: string, body: object) => tillkey.call('PATCH', `${path}/${id}`, { body });
const remove = (id: string) => tillkey.call('DELETE', `${path}/${id}`);
const grant = (id: string, entitlementIds: string[]) => tillkey.call('POST', `${path}/${id}/entitlements`, { body: { entitlementIds } });
const take = (id: string, entitlementIds: string[]) => tillkey.call('DELETE', `${path}/${id}/entitlements`, { body: { entitlementIds } });
const codesOf = async (license: { id: string }) => (await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data.entitlements;
const requiredSince = async (id: string) => {
  const [row] = await tillkey.service.dependencies.database.em.fork().execute<{ since: string | null }[]>('select heartbeat_required_since as since from policies where id = ?', [id]);
  return row?.since == null ? null : new Date(row.since);
};

describe('a policy', () => {
  test('shows the fields of the contract and no others', async () => {
    const policy = await createPolicy(tillkey);
    expect(policy).toEqual({
      id: expect.any(String), productId: expect.any(String), name: 'Pro', template: null, maxMachines: null, maxUses: null, floating: false, durationDays: null,
      expirationStrategy: 'RESTRICT_ACCESS', requireHeartbeat: false, heartbeatIntervalMinutes: 60, heartbeatCullStrategy: 'DEACTIVATE_DEAD', requireFingerprint: true,
      fingerprintUniqueness: 'PER_LICENSE', offlineAllowed: true, offlineMaxDays: 14, allowMachineTransfer: false, isTrial: false, trialDurationDays: null,
      overridable: true, maxUniqueFingerprints: null, metadata: {}, entitlements: [], createdAt: start.toISOString(), updatedAt: start.toISOString(), deletedAt: null,
    });
    expect(await read(policy.id)).toEqual(policy);
    expect((await tillkey.call('GET', `${path}?productId=${policy.productId}`)).body.data).toEqual([policy]);
  });

  test('is listed with those of its product, page by page', async () => {
    const first = await createPolicy(tillkey);
    await createPolicy(tillkey);
    const second = (await tillkey.call('POST', path, { body: { productId: first.productId, name: 'Team' } })).body.data;
    const top = (await tillkey.call('GET', `${path}?limit=1&productId=${first.productId}`)).body;
    const rest = (await tillkey.call('GET', `${path}?limit=1&productId=${first.productId}&cursor=${top.pagination.nextCursor}`)).body;
    expect([...top.data, ...rest.data]).toEqual([second, first]);
    expect(rest.pagination).toEqual({ nextCursor: null, hasMore: false });
  });
});

describe('changing a policy', () => {
  test('changes what is named and nothing else; a template fills in nothing', async () => {
    const policy = await createPolicy(tillkey, { maxMachines: 2, metadata: { a: 1 } });
    const { status, body } = await patch(policy.id, { template: 'trial', durationDays: 30 });
    expect([status, body.data]).toEqual([200, { ...policy, template: 'trial', durationDays: 30 }]);
    expect((await patch(policy.id, {})).body.data).toEqual(body.data);
    expect((await patch(policy.id, { maxMachines: null, metadata: {} })).body.data).toMatchObject({ maxMachines: null, metadata: {} });
  });

  test('counts for its licenses at once, but for their end', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1, durationDays: 30 } });
    await patch(license.policyId, { maxMachines: 5, durationDays: 60 });
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data).toMatchObject({ maxMachines: 5, expiresAt: license.expiresAt });
  });

  test.each([
    ['another product', { productId: '01a1fc5f-156a-700f-9e5a-c932c4081e34' }], ['an unknown field', { maxMachine: 1 }], ['no name', { name: null }],
    ['an unknown template', { template: 'mobile' }], ['0 machines', { maxMachines: 0 }], ['no heartbeat interval', { heartbeatIntervalMinutes: null }],
    ['entitlements', { entitlements: [] }], ['what is not of the contract', { heartbeatRequiredSince: null }],
  ])('by %s is refused', async (_title, body) => {
    expect(await patch((await createPolicy(tillkey)).id, body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
  });

  test('remembers since when heartbeats are required: from the creation or the change that turned them on, until one turns them off', async () => {
    clock.set(start);
    const policy = await createPolicy(tillkey, { requireHeartbeat: true });
    expect(await requiredSince(policy.id)).toEqual(start);
    clock.set(new Date('2026-06-02T00:00:00.000Z'));
    await patch(policy.id, { requireHeartbeat: true, name: 'Still' });
    await patch(policy.id, { maxMachines: 3 });
    expect(await requiredSince(policy.id)).toEqual(start);
    await patch(policy.id, { requireHeartbeat: false });
    expect(await requiredSince(policy.id)).toBeNull();
    await patch(policy.id, { requireHeartbeat: true });
    expect(await requiredSince(policy.id)).toEqual(new Date('2026-06-02T00:00:00.000Z'));
    expect(await read(policy.id)).not.toHaveProperty('heartbeatRequiredSince');
  });

  test('to require heartbeats gives machines that never sent one two intervals from then', async () => {
    clock.set(start);
    const license = await createLicense(tillkey);
    await activate(tillkey, license, 'machine-1');
    clock.set(new Date('2026-06-10T00:00:00.000Z'));
    await patch(license.policyId, { requireHeartbeat: true });
    expect(await validate(tillkey, license, { fingerprint: 'machine-1' })).toMatchObject({ valid: true });
    clock.set(new Date('2026-06-10T02:00:01.000Z'));
    expect(await validate(tillkey, license, { fingerprint: 'machine-1' })).toMatchObject({ code: 'HEARTBEAT_REQUIRED' });
  });
});

describe('the entitlements of a policy', () => {
  test('are its licenses’ at once, until they are taken back', async () => {
    const license = await createLicense(tillkey);
    const [a, b] = [await createEntitlement(tillkey, 'grant-a'), await createEntitlement(tillkey, 'grant-b')];
    const granted = await grant(license.policyId, [b, a, a]);
    expect([granted.status, granted.body.data.entitlements]).toEqual([200, ['grant-a', 'grant-b']]);
    expect((await grant(license.policyId, [a])).body.data).toEqual(granted.body.data);
    expect(await codesOf(license)).toEqual(['grant-a', 'grant-b']);
    expect((await take(license.policyId, [a])).body.data.entitlements).toEqual(['grant-b']);
    expect((await take(license.policyId, [a])).status).toBe(200);
    expect(await codesOf(license)).toEqual(['grant-b']);
    expect((await tillkey.call('GET', `${path}?productId=${license.productId}`)).body.data[0].entitlements).toEqual(['grant-b']);
  });

  test('granted by two at once are granted once, and both are told so', async () => {
    const policy = await createPolicy(tillkey);
    const id = await createEntitlement(tillkey, 'grant-once');
    const second = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select 1 from policies where id = $1 for update', [policy.id]);
      await run('insert into policy_entitlements select scope_id, id, $2 from policies where id = $1', [policy.id, id]);
      return commitOnce(grant(policy.id, [id]));
    });
    expect([second.status, second.body.data?.entitlements]).toEqual([200, ['grant-once']]);
  });

  test('are its own scope’s', async () => {
    const policy = await createPolicy(tillkey);
    const live = (await tillkey.call('POST', '/api/v1/entitlements', { key: LIVE_KEY, body: { code: 'live', name: 'Live' } })).body.data;
    expect(await grant(policy.id, [live.id])).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['entitlementIds'] }] } } });
    expect((await tillkey.call('POST', `${path}/${policy.id}/entitlements`, { key: LIVE_KEY, body: { entitlementIds: [live.id] } })).status).toBe(404);
  });

  test('are at least one', async () => {
    expect((await grant((await createPolicy(tillkey)).id, [])).status).toBe(400);
  });
});

describe('deleting a policy', () => {
  test('is for good', async () => {
    const policy = await createPolicy(tillkey);
    expect((await remove(policy.id)).status).toBe(204);
    for (const answer of [await remove(policy.id), await patch(policy.id, {}), await grant(policy.id, [policy.id])]) expect(answer.status).toBe(404);
    expect((await tillkey.call('POST', '/api/v1/licenses', { body: { policyId: policy.id } })).status).toBe(400);
  });

  test('is refused while a license or a mapping uses it', async () => {
    const { policyId, mappingId } = await createCatalog(tillkey, { stripePriceId: 'price_in_use' });
    const license = await createLicense(tillkey, { policyId });
    expect(await remove(policyId)).toMatchObject({ status: 409, body: { code: 'CONFLICT', details: { licenses: 1, mappings: 1 } } });
    await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`);
    expect((await remove(policyId)).status).toBe(409);
    await tillkey.call('DELETE', `/api/v1/stripe-mappings/${mappingId}`);
    expect((await remove(policyId)).status).toBe(204);
  });

  test.each([
    ['license', '/api/v1/licenses', {}],
    ['mapping', '/api/v1/stripe-mappings', { stripePriceId: 'price_race' }],
  ])('and a %s made for it at the same moment never both succeed: it waits for the deletion, and finds no policy', async (_title, target, fields) => {
    const policy = await createPolicy(tillkey);
    const made = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('select 1 from policies where id = $1 for update', [policy.id]);
      await run('update policies set deleted_at = now() where id = $1', [policy.id]);
      return commitOnce(tillkey.call('POST', target, { body: { policyId: policy.id, ...fields } }));
    });
    expect(made).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['policyId'] }] } } });
  });

  test('waits for whoever is giving it a license', async () => {
    const { id } = await createLicense(tillkey);
    const policy = await createPolicy(tillkey);
    const deleted = await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run('update licenses set policy_id = $1, product_id = $2 where id = $3', [policy.id, policy.productId, id]);
      return commitOnce(remove(policy.id));
    });
    expect(deleted.status).toBe(409);
  });
});
