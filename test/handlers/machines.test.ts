import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activate, createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { startTwoWebs, testClock, type TestService } from '../support/service.ts';

const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
const minutesLater = (minutes: number, ms = 0) => clock.set(new Date(clock.now().getTime() + minutes * 60_000 + ms));

let tillkey: TestService;
let other: TestService;
beforeAll(async () => {
  [tillkey, other] = await startTwoWebs(clock);
});
afterAll(async () => {
  await other.stop();
  await tillkey.stop();
});

const machines = async (license: { id: string }) => (await tillkey.call('GET', `/api/v1/machines?limit=100&licenseId=${license.id}`)).body.data;
/** What was told of a license; validations are told within a second, before or after what is asked for here. */
const eventsOf = async ({ id }: { id: string }): Promise<string[]> => {
  const em = tillkey.service.dependencies.database.em.fork();
  const rows = await em.execute<{ type: string; sequence: number }[]>('select type, sequence from events where license_id = ? order by sequence', [id]);
  expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, n) => n + 1));
  return rows.map(({ type }) => type).filter((type) => !type.startsWith('validation.'));
};

describe('an activation', () => {
  test('answers 201 with the machine, and 200 with the same one for the same fingerprint', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1 } });
    const first = await activate(tillkey, license, 'fingerprint-1', { name: 'Desk', platform: 'linux', hostname: 'desk', cores: 8, metadata: { room: 1 } });
    expect(first).toMatchObject({ status: 201, body: { data: { licenseId: license.id, fingerprint: 'fingerprint-1', name: 'Desk', platform: 'linux', cores: 8, status: 'alive', lastHeartbeatAt: null, heartbeatDueAt: null } } });
    const again = await activate(tillkey, license, 'fingerprint-1', { name: 'New desk', metadata: { room: 2 } });
    expect(again).toMatchObject({ status: 200, body: { data: { id: first.body.data.id, name: 'New desk', metadata: { room: 2 }, platform: 'linux', hostname: 'desk' } } });
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data.machineCount).toBe(1);
  });

  test('by a vendor names the license', async () => {
    const license = await createLicense(tillkey);
    const body = { fingerprint: 'fingerprint-1' };
    expect(await tillkey.call('POST', '/api/v1/machines', { body })).toMatchObject({ status: 400, body: { details: { issues: [{ path: ['licenseId'] }] } } });
    expect(await tillkey.call('POST', '/api/v1/machines', { body: { ...body, licenseId: license.id } })).toMatchObject({ status: 201 });
    expect(await tillkey.call('POST', '/api/v1/machines', { body: { ...body, licenseId: '01a1fc5f-156a-700f-9e5a-c932c4081e34' } })).toMatchObject({ status: 404 });
  });

  test('on another license than the key’s own is not found, and with an unknown key unauthorized', async () => {
    const [own, others] = [await createLicense(tillkey), await createLicense(tillkey)];
    expect(await activate(tillkey, own, 'fingerprint-1', { licenseId: others.id })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await activate(tillkey, own, 'fingerprint-1', { licenseId: own.id })).toMatchObject({ status: 201 });
    expect(await activate(tillkey, { key: 'no-such-key' }, 'fingerprint-1')).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
  });

  test('beyond the limit is refused with the limit and the count', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2 } });
    for (const n of [1, 2]) await activate(tillkey, license, `fingerprint-${n}`);
    expect(await activate(tillkey, license, 'fingerprint-3')).toMatchObject({ status: 422, body: { code: 'MACHINE_LIMIT_EXCEEDED', details: { limit: 2, count: 2 } } });
    expect(await activate(tillkey, license, 'fingerprint-1')).toMatchObject({ status: 200 });
  });

  test('after the limit was lowered is refused, and running machines go on', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3 } });
    for (const n of [1, 2, 3]) await activate(tillkey, license, `fingerprint-${n}`);
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { maxMachinesOverride: 1 } });
    expect(await activate(tillkey, license, 'fingerprint-4')).toMatchObject({ status: 422, body: { details: { limit: 1, count: 3 } } });
    expect(await validate(tillkey, license, { fingerprint: 'fingerprint-3' })).toMatchObject({ code: 'VALID' });
  });

  test('on a license in a state that lets nothing through is refused with its code', async () => {
    for (const [action, code] of [['suspend', 'SUSPENDED'], ['revoke', 'REVOKED'], ['ban', 'BANNED']]) {
      const license = await createLicense(tillkey);
      await tillkey.call('POST', `/api/v1/licenses/${license.id}/${action}`);
      expect(await activate(tillkey, license, 'fingerprint-1')).toMatchObject({ status: 403, body: { code } });
    }
    const expired = await createLicense(tillkey, { license: { expiresAt: '2026-01-01T00:00:00Z' } });
    expect(await activate(tillkey, expired, 'fingerprint-1')).toMatchObject({ status: 403, body: { code: 'EXPIRED' } });
    const allowed = await createLicense(tillkey, { policy: { expirationStrategy: 'ALLOW_ACCESS' }, license: { expiresAt: '2026-01-01T00:00:00Z' } });
    expect(await activate(tillkey, allowed, 'fingerprint-1')).toMatchObject({ status: 201 });
  });
});

describe('of 100 activations at once, by two web processes,', () => {
  const hundred = (license: { key: string }) =>
    Promise.all(Array.from({ length: 100 }, (_, n) => activate(n % 2 ? tillkey : other, license, `fingerprint-${n}`)));

  test('exactly as many get in as the limit allows', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 7 } });
    const statuses = (await hundred(license)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(7);
    expect(statuses.filter((status) => status === 422)).toHaveLength(93);
    expect(await machines(license)).toHaveLength(7);
  });

  test('all succeed where machines float, and the last few stay', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 5, floating: true } });
    expect((await hundred(license)).every(({ status }) => status === 201)).toBe(true);
    expect(await machines(license)).toHaveLength(5);
    const told = await eventsOf(license);
    expect(told.filter((type) => type === 'machine.activated')).toHaveLength(100);
    expect(told.filter((type) => type === 'machine.deactivated')).toHaveLength(95);
  });

  test('of one fingerprint, one machine comes of it', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1 } });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => activate(n % 2 ? tillkey : other, license, 'fingerprint-1')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
    expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1);
  });

  test.each([
    ['PER_POLICY', 1],
    ['PER_ACCOUNT', 1],
    ['PER_LICENSE', 20],
  ])('of one fingerprint on 20 licenses, under %s %i get it', async (fingerprintUniqueness, winners) => {
    const { id: policyId } = await createPolicy(tillkey, { fingerprintUniqueness });
    const licenses: { key: string }[] = [];
    for (let n = 0; n < 20; n += 1) licenses.push(await createLicense(tillkey, { policyId }));
    const fingerprint = `shared-${fingerprintUniqueness}`;
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => activate(n % 2 ? tillkey : other, licenses[n % 20]!, fingerprint)));
    expect(new Set(answers.filter(({ status }) => status < 300).map(({ body }) => body.data.licenseId)).size).toBe(winners);
    expect(answers.filter(({ status, body }) => status >= 300 && body.code !== 'FINGERPRINT_TAKEN')).toEqual([]);
  });
});

describe('whoever waits for one license', () => {
  test('keeps nobody waiting who asks about another', async () => {
    const [held, free] = [await createLicense(tillkey, { policy: { requireFingerprint: false } }), await createLicense(tillkey, { policy: { requireFingerprint: false } })];
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('select 1 from licenses where id = $1 for update', [held.id]);
      const waiting = Promise.all(Array.from({ length: 40 }, (_, n) => activate(tillkey, held, `fingerprint-${n}`)));
      await rival.untilStuck(waiting, 8);
      expect(await validate(tillkey, free)).toMatchObject({ code: 'VALID' });
      expect((await tillkey.call('GET', `/api/v1/licenses/${free.id}`)).status).toBe(200);
      expect((await tillkey.call('GET', '/readyz')).status).toBe(200);
      expect((await rival.commitOnce(waiting)).every(({ status }) => status === 201)).toBe(true);
    });
  });
});

describe('a fingerprint', () => {
  test('under PER_POLICY is free on other policies and PER_ACCOUNT on none, until its machine goes', async () => {
    const perPolicy = await createLicense(tillkey, { policy: { fingerprintUniqueness: 'PER_POLICY' } });
    const samePolicy = await createLicense(tillkey, { policyId: perPolicy.policyId });
    const perAccount = await createLicense(tillkey, { policy: { fingerprintUniqueness: 'PER_ACCOUNT' } });
    const { body } = await activate(tillkey, perPolicy, 'one-of-a-kind');
    expect(await activate(tillkey, samePolicy, 'one-of-a-kind')).toMatchObject({ status: 422, body: { code: 'FINGERPRINT_TAKEN' } });
    expect(await activate(tillkey, perAccount, 'one-of-a-kind')).toMatchObject({ status: 422, body: { code: 'FINGERPRINT_TAKEN' } });
    expect(await tillkey.call('DELETE', `/api/v1/machines/${body.data.id}`)).toMatchObject({ status: 204 });
    expect(await activate(tillkey, perAccount, 'one-of-a-kind')).toMatchObject({ status: 201 });
    expect(await activate(tillkey, samePolicy, 'one-of-a-kind')).toMatchObject({ status: 201 });
  });

  test('of a deleted license is free', async () => {
    const license = await createLicense(tillkey, { policy: { fingerprintUniqueness: 'PER_ACCOUNT' } });
    await activate(tillkey, license, 'goes-with-license');
    expect(await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`)).toMatchObject({ status: 204 });
    expect(await activate(tillkey, await createLicense(tillkey, { policyId: license.policyId }), 'goes-with-license')).toMatchObject({ status: 201 });
  });
});

describe('taking a machine off', () => {
  test.each([
    [{}, 403],
    [{ allowMachineTransfer: true }, 204],
    [{ floating: true }, 204],
  ])('by the customer under %j answers %i', async (policy, status) => {
    const license = await createLicense(tillkey, { policy });
    const { body } = await activate(tillkey, license, 'fingerprint-1');
    const path = `/api/v1/machines/${body.data.id}`;
    const reply = await tillkey.call('DELETE', path, { license: license.key });
    expect(reply.status).toBe(status);
    if (status === 403) expect(reply.body.code).toBe('TRANSFER_NOT_ALLOWED');
    expect((await tillkey.call('GET', path)).status).toBe(status === 403 ? 200 : 404);
    expect((await tillkey.call('DELETE', path)).status).toBe(status === 403 ? 204 : 404);
  });

  test('of another license is not found', async () => {
    const [own, others] = [await createLicense(tillkey, { policy: { floating: true } }), await createLicense(tillkey)];
    const { body } = await activate(tillkey, others, 'fingerprint-1');
    expect(await tillkey.call('DELETE', `/api/v1/machines/${body.data.id}`, { license: own.key })).toMatchObject({ status: 404 });
    expect(await tillkey.call('POST', `/api/v1/machines/${body.data.id}/heartbeat`, { license: own.key })).toMatchObject({ status: 404 });
    expect(await machines(others)).toHaveLength(1);
  });

  test('twice at once does it once and tells it once', async () => {
    const license = await createLicense(tillkey);
    const { body } = await activate(tillkey, license, 'fingerprint-1');
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 ? tillkey : other).call('DELETE', `/api/v1/machines/${body.data.id}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array.from({ length: 9 }, () => 404)]);
    expect((await eventsOf(license)).filter((type) => type === 'machine.deactivated')).toHaveLength(1);
  });
});

describe('a heartbeat', () => {
  const beat = (license: { key: string }, id: string) => tillkey.call('POST', `/api/v1/machines/${id}/heartbeat`, { license: license.key });
  const policy = { requireHeartbeat: true, heartbeatIntervalMinutes: 10, maxMachines: 1 };

  test('keeps a machine alive to the millisecond of twice the interval, and revives it after', async () => {
    const license = await createLicense(tillkey, { policy });
    const { body } = await activate(tillkey, license, 'fingerprint-1');
    minutesLater(20);
    expect(await validate(tillkey, license, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'VALID', machine: { status: 'alive' } });
    minutesLater(0, 1);
    expect(await validate(tillkey, license, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'HEARTBEAT_REQUIRED', machine: { status: 'dead' } });
    const now = clock.now();
    expect(await beat(license, body.data.id)).toMatchObject({
      status: 200,
      body: { data: { status: 'alive', lastHeartbeatAt: now.toISOString(), heartbeatDueAt: new Date(now.getTime() + 600_000).toISOString(), fingerprint: 'fingerprint-1' } },
    });
    expect(await validate(tillkey, license, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'VALID' });
    minutesLater(20);
    expect((await tillkey.call('GET', `/api/v1/machines/${body.data.id}`)).body.data).toMatchObject({ status: 'alive' });
    minutesLater(0, 1);
    expect((await tillkey.call('GET', `/api/v1/machines/${body.data.id}`)).body.data).toMatchObject({ status: 'dead' });
  });

  test('is asked for only from the day a license comes to a policy that requires it', async () => {
    const plain = await createPolicy(tillkey);
    const asking = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: plain.productId, name: 'Asking', ...policy } })).body.data;
    const license = await createLicense(tillkey, { policyId: plain.id });
    const { body } = await activate(tillkey, license, 'fingerprint-1');
    minutesLater(100);
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { policyId: asking.id } });
    for (const [minutes, ms, code, status] of [[20, 0, 'VALID', 'alive'], [0, 1, 'HEARTBEAT_REQUIRED', 'dead']] as const) {
      minutesLater(minutes, ms);
      expect(await validate(tillkey, license, { fingerprint: 'fingerprint-1' })).toMatchObject({ code, machine: { status } });
      expect((await tillkey.call('GET', `/api/v1/machines/${body.data.id}`)).body.data.status).toBe(status);
    }
  });

  test('is refused with an unknown key, for an unknown machine, and may come from the vendor', async () => {
    const license = await createLicense(tillkey);
    const { body } = await activate(tillkey, license, 'fingerprint-1');
    expect(await beat({ key: 'no-such-key' }, body.data.id)).toMatchObject({ status: 401 });
    expect(await beat(license, '01a1fc5f-156a-700f-9e5a-c932c4081e34')).toMatchObject({ status: 404 });
    expect(await beat(license, 'not-a-uuid')).toMatchObject({ status: 404 });
    expect(await tillkey.call('POST', `/api/v1/machines/${body.data.id}/heartbeat`)).toMatchObject({ status: 200 });
  });

  test('that fell silent frees the slot under DEACTIVATE_DEAD, and not under KEEP_DEAD', async () => {
    const [freed, kept] = [await createLicense(tillkey, { policy }), await createLicense(tillkey, { policy: { ...policy, heartbeatCullStrategy: 'KEEP_DEAD' } })];
    for (const license of [freed, kept]) await activate(tillkey, license, 'fingerprint-1');
    minutesLater(20, 1);
    expect(await validate(tillkey, freed, { fingerprint: 'fingerprint-2' })).toMatchObject({ code: 'FINGERPRINT_NOT_FOUND' });
    expect(await validate(tillkey, kept, { fingerprint: 'fingerprint-2' })).toMatchObject({ code: 'MACHINE_LIMIT_EXCEEDED' });
    expect(await activate(tillkey, freed, 'fingerprint-2')).toMatchObject({ status: 201 });
    expect(await activate(tillkey, kept, 'fingerprint-2')).toMatchObject({ status: 422 });
    expect(await eventsOf(freed)).toEqual(['license.created', 'machine.activated', 'license.limit_reached', 'machine.dead', 'machine.deactivated', 'machine.activated', 'license.limit_reached']);
    expect(await validate(tillkey, freed, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'MACHINE_LIMIT_EXCEEDED' });
  });
});
