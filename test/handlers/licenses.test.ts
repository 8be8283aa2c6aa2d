import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/database/uuid.ts';
import { effectiveStatus, type Standing, statuses } from '../../src/licensing/core/status.ts';
import { activate, createEntitlement, createLicense, createPolicy, validate } from '../support/license.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';

const start = new Date('2026-06-01T00:00:00.000Z');
const clock = testClock(start);
const days = (n: number) => new Date(clock.now().getTime() + n * 86_400_000).toISOString();

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock, environment: { RATE_LIMIT_ACTIVATE: '0' } });
});
afterAll(() => tillkey.stop());

const path = '/api/v1/licenses';
const read = async (id: string) => (await tillkey.call('GET', `${path}/${id}`)).body.data;
const patch = (id: string, body: object) => tillkey.call('PATCH', `${path}/${id}`, { body });
const act = (id: string, action: string, body: object = {}) => tillkey.call('POST', `${path}/${id}/${action}`, { body });

describe('a license', () => {
  test('is created with a key of its product, all fields shown', async () => {
    const policy = await createPolicy(tillkey, { maxMachines: 3, maxUses: 10 });
    const entitlementIds = [await createEntitlement(tillkey, 'sso'), await createEntitlement(tillkey, 'export')];
    const body = { policyId: policy.id, productId: policy.productId, name: 'Ada’s', userEmail: 'Ada@example.com', userName: 'Ada', metadata: { seat: 1 }, maxUsesOverride: 20, entitlementIds };
    const created = await tillkey.call('POST', path, { body });
    expect(created).toMatchObject({ status: 201 });
    expect(created.body.data).toEqual({
      id: expect.any(String), key: expect.stringMatching(/^ACME(-[0-9A-HJKMNP-TV-Z]{4}){4}$/), name: 'Ada’s', status: 'active',
      productId: policy.productId, policyId: policy.id, customerId: expect.any(String), userEmail: 'Ada@example.com', userName: 'Ada',
      expiresAt: null, maxMachinesOverride: null, maxUsesOverride: 20, maxMachines: 3, maxUses: 20, usesCount: 0, machineCount: 0,
      entitlements: ['export', 'sso'], lastValidatedAt: null, metadata: { seat: 1 }, billing: null,
      createdAt: start.toISOString(), updatedAt: start.toISOString(), deletedAt: null,
    });
    expect(await read(created.body.data.id)).toEqual(created.body.data);
    const again = await createLicense(tillkey, { policyId: policy.id, license: { userEmail: 'aDA@EXAMPLE.com' } });
    expect(again.customerId).toBe(created.body.data.customerId);
  });

  test.each([
    ['what was given', { durationDays: 30 }, { expiresAt: '2027-01-01T00:00:00.000Z' }, '2027-01-01T00:00:00.000Z'],
    ['never, where null was given', { durationDays: 30 }, { expiresAt: null }, null],
    ['the trial’s length', { isTrial: true, trialDurationDays: 7, durationDays: 30 }, {}, '2026-06-08T00:00:00.000Z'],
    ['the policy’s duration', { trialDurationDays: 7, durationDays: 30 }, {}, '2026-07-01T00:00:00.000Z'],
    ['never', {}, {}, null],
  ])('ends at %s', async (_what, policy, license, expiresAt) => {
    expect((await createLicense(tillkey, { policy, license })).expiresAt).toBe(expiresAt);
  });

  test('brings its own key, once in its scope, read as it is', async () => {
    const policy = await createPolicy(tillkey, { requireFingerprint: false });
    for (const key of ['38b1460a-5104-4067-a91d-77b872934d51', 'imported-key', 'ABCDE-FGHIJ-KLMNO-PQRST', 'ACME-0000-0000-0000-0001', `${'x'.repeat(255)}`]) {
      const license = await createLicense(tillkey, { policyId: policy.id, license: { key } });
      expect(license.key).toBe(key);
      expect(await validate(tillkey, { key })).toMatchObject({ code: 'VALID', license: { id: license.id } });
      expect(await tillkey.call('POST', path, { body: { policyId: policy.id, key } })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    }
    expect(await tillkey.call('POST', path, { body: { policyId: policy.id, key: 'too sho' } })).toMatchObject({ status: 400 });
  });

  test('that is refused leaves nothing behind, not even the customer it was for', async () => {
    const { key, policyId } = await createLicense(tillkey, { license: { key: 'taken-already' } });
    expect(await tillkey.call('POST', path, { body: { policyId, key, userEmail: 'left-out@example.com' } })).toMatchObject({ status: 409 });
    expect((await tillkey.call('GET', '/api/v1/customers?email=left-out@example.com')).body.data).toEqual([]);
  });

  test('gives its own key free when it is deleted', async () => {
    const key = 'used-a-second-time';
    const first = await createLicense(tillkey, { license: { key } });
    expect((await tillkey.call('DELETE', `${path}/${first.id}`)).status).toBe(204);
    expect(await validate(tillkey, { key })).toMatchObject({ code: 'NOT_FOUND', license: null });
    expect((await tillkey.call('DELETE', `${path}/${first.id}`)).status).toBe(404);
    expect((await tillkey.call('GET', `${path}/${first.id}`)).status).toBe(404);
    await createLicense(tillkey, { license: { key } });
  });

  test('is refused with the field that is wrong', async () => {
    const policy = await createPolicy(tillkey);
    const other = await createPolicy(tillkey);
    for (const [body, field] of [
      [{ policyId: newId() }, 'policyId'],
      [{ policyId: policy.id, productId: other.productId }, 'productId'],
      [{ policyId: policy.id, entitlementIds: [newId()] }, 'entitlementIds'],
      [{ policyId: policy.id, userEmail: 'nobody' }, 'userEmail'],
      [{ policyId: policy.id, maxMachinesOverride: 0 }, 'maxMachinesOverride'],
    ]) expect(await tillkey.call('POST', path, { body })).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', details: { issues: [{ path: [field] }] } } });
  });

  test('is read by its own key, and no other by it', async () => {
    const [own, other] = [await createLicense(tillkey), await createLicense(tillkey)];
    expect(await tillkey.call('GET', `${path}/${own.id}`, { license: own.key })).toMatchObject({ status: 200, body: { data: { id: own.id, key: own.key } } });
    expect(await tillkey.call('GET', `${path}/${other.id}`, { license: own.key })).toMatchObject({ status: 404 });
    expect(await tillkey.call('GET', path, { license: own.key })).toMatchObject({ status: 401 });
    expect(await tillkey.call('PATCH', `${path}/${own.id}`, { license: own.key, body: {} })).toMatchObject({ status: 401 });
  });
});

describe('an override', () => {
  test('of null inherits, and another wins over the policy, which is read at decision time', async () => {
    const policy = await createPolicy(tillkey, { maxMachines: 2 });
    const license = await createLicense(tillkey, { policyId: policy.id, license: { maxMachinesOverride: 5 } });
    expect(license).toMatchObject({ maxMachines: 5, maxMachinesOverride: 5 });
    expect((await patch(license.id, { maxMachinesOverride: null })).body.data).toMatchObject({ maxMachines: 2, maxMachinesOverride: null });
  });

  test('is refused where the policy is not overridable, on create and on update, and null is none', async () => {
    const policy = await createPolicy(tillkey, { overridable: false });
    const refused = { status: 422, body: { code: 'OVERRIDES_NOT_ALLOWED' } };
    expect(await tillkey.call('POST', path, { body: { policyId: policy.id, maxUsesOverride: 1 } })).toMatchObject(refused);
    const license = await createLicense(tillkey, { policyId: policy.id, license: { maxMachinesOverride: null } });
    expect(await patch(license.id, { maxMachinesOverride: 1 })).toMatchObject(refused);
    expect(await patch(license.id, { maxMachinesOverride: null })).toMatchObject({ status: 200 });
  });

  test('does not come along to a policy that is not overridable', async () => {
    const policy = await createPolicy(tillkey);
    const strict = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: policy.productId, name: 'Strict', overridable: false, maxMachines: 1 } })).body.data;
    const license = await createLicense(tillkey, { policyId: policy.id, license: { maxMachinesOverride: 999 } });
    expect(await patch(license.id, { policyId: strict.id })).toMatchObject({ status: 422, body: { code: 'OVERRIDES_NOT_ALLOWED' } });
    expect(await patch(license.id, { policyId: strict.id, maxMachinesOverride: null })).toMatchObject({ status: 200, body: { data: { maxMachines: 1 } } });
  });
});

describe('a name', () => {
  test('without a customer it could belong to is refused', async () => {
    const license = await createLicense(tillkey);
    const refused = { status: 400, body: { details: { issues: [{ path: ['userName'] }] } } };
    expect(await tillkey.call('POST', path, { body: { policyId: license.policyId, userName: 'Ada' } })).toMatchObject(refused);
    expect(await patch(license.id, { userName: 'Ada' })).toMatchObject(refused);
  });
});

describe('changing a license', () => {
  test('changes what is named and nothing else', async () => {
    const license = await createLicense(tillkey, { policy: { durationDays: 30 }, license: { name: 'Before', metadata: { a: 1 } } });
    const next = await createLicense(tillkey, { policyId: license.policyId });
    expect((await patch(license.id, { name: 'After', userEmail: 'New@example.com', userName: 'New' })).body.data).toMatchObject({
      name: 'After', userEmail: 'New@example.com', userName: 'New', metadata: { a: 1 }, expiresAt: license.expiresAt, key: license.key,
    });
    expect((await patch(license.id, { userEmail: null, expiresAt: null })).body.data).toMatchObject({ userEmail: null, customerId: null, expiresAt: null });
    expect(await patch(license.id, {})).toMatchObject({ status: 200 });
    expect(await patch(license.id, { productId: next.productId })).toMatchObject({ status: 400 });
    expect(await patch(license.id, { status: 'active' })).toMatchObject({ status: 400 });
  });

  test('moves it to another policy of its product, its end as it was', async () => {
    const policy = await createPolicy(tillkey, { maxMachines: 1, durationDays: 30 });
    const bigger = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: policy.productId, name: 'Bigger', maxMachines: 9 } })).body.data;
    const license = await createLicense(tillkey, { policyId: policy.id });
    expect((await patch(license.id, { policyId: bigger.id })).body.data).toMatchObject({ policyId: bigger.id, maxMachines: 9, expiresAt: license.expiresAt });
    const foreign = await createPolicy(tillkey);
    expect(await patch(license.id, { policyId: foreign.id })).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['policyId'] }] } } });
    expect(await patch(license.id, { policyId: newId() })).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['policyId'] }] } } });
  });
});

describe('an action', () => {
  test('suspends and reinstates, and the verdict follows at once', async () => {
    const license = await createLicense(tillkey, { policy: { requireFingerprint: false } });
    expect(await act(license.id, 'suspend', { reason: 'late' })).toMatchObject({ status: 200, body: { data: { status: 'suspended' } } });
    expect(await validate(tillkey, license)).toMatchObject({ code: 'SUSPENDED' });
    expect(await act(license.id, 'suspend')).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect(await act(license.id, 'reinstate')).toMatchObject({ status: 200, body: { data: { status: 'active' } } });
    expect(await validate(tillkey, license)).toMatchObject({ code: 'VALID' });
    expect(await act(license.id, 'reinstate')).toMatchObject({ status: 409 });
    const told = (await tillkey.service.dependencies.database.em.fork().execute<{ data: { reason: string } }[]>("select data from events where license_id = ? and type = 'license.suspended'", [license.id]));
    expect(told).toMatchObject([{ data: { reason: 'late', status: 'suspended' } }]);
  });

  test('on an expired license needs a new end to reinstate, and renews from now', async () => {
    const license = await createLicense(tillkey, { policy: { durationDays: 30, requireFingerprint: false }, license: { expiresAt: '2026-05-01T00:00:00Z' } });
    expect(license.status).toBe('expired');
    expect(await act(license.id, 'reinstate')).toMatchObject({ status: 422, body: { code: 'EXPIRY_REQUIRED' } });
    expect(await act(license.id, 'reinstate', { expiresAt: days(1) })).toMatchObject({ status: 200, body: { data: { status: 'active', expiresAt: days(1) } } });
    expect(await act(license.id, 'renew')).toMatchObject({ status: 200, body: { data: { expiresAt: days(31) } } });
    const perpetual = await createLicense(tillkey);
    expect(await act(perpetual.id, 'renew')).toMatchObject({ status: 422, body: { code: 'NOT_RENEWABLE' } });
  });

  test.each(['revoke', 'ban'])('%s is final: nothing but reset-usage is taken after it, and the license stays as it is', async (action) => {
    const license = await createLicense(tillkey, { policy: { durationDays: 30 } });
    expect((await act(license.id, action)).status).toBe(200);
    const ended = await read(license.id);
    for (const next of ['suspend', 'reinstate', 'revoke', 'ban', 'renew', 'rotate-key']) {
      expect(await act(license.id, next, next === 'renew' || next === 'reinstate' ? { expiresAt: days(9) } : {})).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    }
    expect(await read(license.id)).toEqual(ended);
    expect(await act(license.id, 'reset-usage')).toMatchObject({ status: 200 });
  });

  test('rotate-key: the old key is unknown at once, machines stay', async () => {
    const license = await createLicense(tillkey);
    await activate(tillkey, license, 'fingerprint-1');
    const rotated = (await act(license.id, 'rotate-key')).body.data;
    expect(rotated.key).not.toBe(license.key);
    expect(await validate(tillkey, license)).toMatchObject({ code: 'NOT_FOUND' });
    expect(await validate(tillkey, rotated, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'VALID' });
  });

  test('reset-usage sets the count to 0, uses of a moment ago included', async () => {
    const license = await createLicense(tillkey, { policy: { requireFingerprint: false } });
    for (let n = 0; n < 3; n += 1) await validate(tillkey, license);
    expect(await read(license.id)).toMatchObject({ usesCount: 3, lastValidatedAt: clock.now().toISOString() });
    await validate(tillkey, license);
    expect((await act(license.id, 'reset-usage')).body.data.usesCount).toBe(0);
    expect((await read(license.id)).usesCount).toBe(0);
  });

  test('of two at once, one is taken', async () => {
    const license = await createLicense(tillkey);
    const answers = await Promise.all(Array.from({ length: 10 }, () => act(license.id, 'suspend')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
  });

  test.each(['suspend', 'reinstate', 'revoke', 'ban', 'renew', 'rotate-key', 'reset-usage'])('%s on another scope’s license is not found', async (action) => {
    const license = await createLicense(tillkey);
    expect(await tillkey.call('POST', `${path}/${license.id}/${action}`, { key: LIVE_KEY })).toMatchObject({ status: 404 });
  });
});

describe('entitlements of a license', () => {
  test('are granted and taken back by the vendor, however often it is said', async () => {
    const license = await createLicense(tillkey, { policy: { requireFingerprint: false } });
    const entitlementIds = [await createEntitlement(tillkey, 'reports'), await createEntitlement(tillkey, 'api')];
    for (let n = 0; n < 2; n += 1) {
      expect(await tillkey.call('POST', `${path}/${license.id}/entitlements`, { body: { entitlementIds } })).toMatchObject({ status: 200, body: { data: { entitlements: ['api', 'reports'] } } });
    }
    expect(await validate(tillkey, license, { entitlements: ['api'] })).toMatchObject({ code: 'VALID', entitlements: ['api', 'reports'] });
    for (let n = 0; n < 2; n += 1) {
      expect(await tillkey.call('DELETE', `${path}/${license.id}/entitlements`, { body: { entitlementIds: entitlementIds.slice(1) } })).toMatchObject({ status: 200, body: { data: { entitlements: ['reports'] } } });
    }
    expect(await validate(tillkey, license, { entitlements: ['api'] })).toMatchObject({ code: 'ENTITLEMENTS_MISSING' });
    expect(await tillkey.call('POST', `${path}/${license.id}/entitlements`, { body: { entitlementIds: [newId()] } })).toMatchObject({ status: 400 });
  });
});

describe('the list of licenses', () => {
  const list = async (query: string) => (await tillkey.call('GET', `${path}?limit=100&${query}`)).body.data.map(({ id }: { id: string }) => id);

  test('is searched by a part of a name, an email or a customer’s name, and by a whole key or id', async () => {
    const license = await createLicense(tillkey, { license: { name: 'The 100%_one', userEmail: 'grace@navy.example', userName: 'Grace Hopper' } });
    for (const q of ['100%_', 'THE 1', 'navy.ex', 'hopper', license.key, license.key.toLowerCase(), license.id]) expect(await list(`q=${encodeURIComponent(q)}`)).toEqual([license.id]);
    expect(await list(`q=${encodeURIComponent('100%x')}`)).toEqual([]);
    expect(await list('userEmail=GRACE@navy.example')).toEqual([license.id]);
    expect(await list(`customerId=${license.customerId}`)).toEqual([license.id]);
    expect(await list(`policyId=${license.policyId}&productId=${license.productId}`)).toEqual([license.id]);
  });

  test('pages through a filter without losing or repeating any', async () => {
    const policy = await createPolicy(tillkey);
    const made = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await createLicense(tillkey, { policyId: policy.id })).id);
    const seen = [];
    for (let cursor = ''; ; ) {
      const { data, pagination } = (await tillkey.call('GET', `${path}?limit=2&policyId=${policy.id}${cursor}`)).body;
      seen.push(...data.map(({ id }: { id: string }) => id));
      if (!pagination.hasMore) break;
      cursor = `&cursor=${pagination.nextCursor}`;
    }
    expect(seen).toEqual(made);
  });

  test('filters by the very status that is shown, whatever it is made of', async () => {
    const policy = await createPolicy(tillkey);
    const { scopeId, em } = await scopeOf(policy.id);
    const moments = [null, new Date(clock.now().getTime() - 1), clock.now(), new Date(clock.now().getTime() + 1), new Date(clock.now().getTime() - 86_400_000), new Date(clock.now().getTime() - 86_399_999)];
    const standings: Standing[] = (['active', 'suspended', 'revoked', 'banned'] as const).flatMap((vendorStatus) =>
      [null, 'ACTIVE', 'GRACE', 'SUSPENDED', 'ENDED', 'REVOKED'].flatMap((billingState) =>
        moments.flatMap((expiresAt) => moments.slice(0, 4).flatMap((graceEndsAt) => [true, false].map((billingRenews) =>
          ({ vendorStatus, enabled: true, billingState, expiresAt, graceEndsAt, billingRenews, customerBanned: false }) as Standing)))));
    standings.push(...standings.filter(({ graceEndsAt }) => graceEndsAt === null).map((standing) => ({ ...standing, enabled: false })));
    const expected = new Map<string, string[]>(statuses.map((status) => [status, []]));
    await em.execute('alter table licenses drop constraint licenses_billed_whole');
    for (const standing of standings) {
      const id = newId();
      expected.get(effectiveStatus(standing, 24, clock.now()))?.push(id);
      await em.execute(
        `insert into licenses (id, scope_id, key_hash, key_encrypted, product_id, policy_id, vendor_status, enabled, expires_at, billing_state, billing_renews, grace_ends_at, uses_count, metadata, created_at, updated_at)
         values (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, 0, '{}', now(), now())`,
        [id, scopeId, Buffer.from(id), policy.productId, policy.id, standing.vendorStatus, standing.enabled, standing.expiresAt, standing.billingState, standing.billingRenews, standing.graceEndsAt],
      );
    }
    const { listLicenses } = await import('../../src/licensing/read-licenses.ts');
    for (const status of statuses) {
      const page = await listLicenses(tillkey.service.dependencies, { id: scopeId, accountId: '', mode: 'test' }, { filter: { status, policyId: policy.id }, page: { limit: 10_000 } }, clock.now());
      expect(page?.rows.map(({ id }) => id).sort()).toEqual(expected.get(status)?.sort());
    }
  });

  async function scopeOf(policyId: string) {
    const em = tillkey.service.dependencies.database.em.fork();
    const [row] = await em.execute<{ scope_id: number }[]>('select scope_id from policies where id = ?', [policyId]);
    return { scopeId: row!.scope_id, em };
  }
});
