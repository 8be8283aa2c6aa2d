import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activate, createEntitlement, createLicense, validate } from '../support/license.ts';
import { startTestService, startTwoWebs, testClock, type TestService } from '../support/service.ts';

const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
let tillkey: TestService;
let other: TestService;
beforeAll(async () => {
  [tillkey, other] = await startTwoWebs(clock);
});
afterAll(async () => {
  await other.stop();
  await tillkey.stop();
});

type Event = { type: string; sequence: number; createdAt: string; data: any };

const free = { requireFingerprint: false };
const sql = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);
const beat = (license: { key: string }, id: string, by = tillkey) => by.call('POST', `/api/v1/machines/${id}/heartbeat`, { license: license.key });

/** The events of a license in order, as a vendor reads them, without a gap; `types` filters by how they begin. */
async function told(license: { id: string }, types = ''): Promise<Event[]> {
  await other.service.dependencies.appEvents.flush();
  await other.service.dependencies.validations.flush();
  const { data } = (await tillkey.call('GET', `/api/v1/events?limit=100&licenseId=${license.id}`)).body;
  const events: Event[] = data.toSorted((a: Event, b: Event) => a.sequence - b.sequence);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, n) => n + 1));
  return events.filter(({ type }) => type.startsWith(types));
}

describe('a validation', () => {
  test('is told with what was asked and answered, and never with the key', async () => {
    const license = await createLicense(tillkey, { license: { userEmail: 'ada@example.com' } });
    await createEntitlement(tillkey, 'cloud');
    const machine = (await activate(tillkey, license, 'fingerprint-1')).body.data;
    await validate(tillkey, license, { fingerprint: 'fingerprint-1' });
    await validate(tillkey, license, { fingerprint: 'fingerprint-1', entitlements: ['cloud'] });
    const [success, failed] = await told(license, 'validation.');
    const { id, name, status, productId, policyId, expiresAt, maxMachines, maxUses, createdAt } = license;
    const asked = { fingerprint: 'fingerprint-1', machineId: machine.id, product: null, license: { id, name, status, productId, policyId, expiresAt, maxMachines, maxUses, createdAt } };
    expect(success).toMatchObject({ type: 'validation.success', createdAt: clock.now().toISOString(), data: { ...asked, valid: true, code: 'VALID', entitlements: [] } });
    expect(failed).toMatchObject({ type: 'validation.failed', data: { ...asked, valid: false, code: 'ENTITLEMENTS_MISSING', entitlements: ['cloud'] } });
    expect(JSON.stringify([success, failed])).not.toMatch(new RegExp(`${license.key}|ada@example.com`));
  });

  test('for another product is told the vendor, and the asker learns nothing of the license', async () => {
    const license = await createLicense(tillkey);
    expect(await validate(tillkey, license, { product: 'OTHER' })).toMatchObject({ code: 'PRODUCT_MISMATCH', license: null });
    expect(await told(license, 'validation.')).toMatchObject([{ type: 'validation.failed', data: { code: 'PRODUCT_MISMATCH', product: 'OTHER', license: { id: license.id } } }]);
  });

  test('of an unknown key is nobody’s', async () => {
    const [{ count }] = await sql('select count(*) from events');
    expect(await validate(tillkey, { key: 'ACME-0000-0000-0000-0000' })).toMatchObject({ code: 'NOT_FOUND' });
    await tillkey.service.dependencies.appEvents.flush();
    expect(await sql('select count(*) from events')).toEqual([{ count }]);
  });
});

describe('a heartbeat', () => {
  test('is told with the machine, and one that found none is not', async () => {
    const license = await createLicense(tillkey);
    const { id } = (await activate(tillkey, license, 'fingerprint-1')).body.data;
    await beat(license, id);
    await beat(license, '01a1fc5f-156a-700f-9e5a-c932c4081e34');
    expect(await told(license, 'machine.heartbeat')).toMatchObject([{ createdAt: clock.now().toISOString(), data: { id, fingerprint: 'fingerprint-1', lastHeartbeatAt: clock.now().toISOString() } }]);
  });
});

describe('what apps do', () => {
  test('at two processes at once is numbered without a gap, none lost between them and a clean stop', async () => {
    const licenses = await Promise.all(Array.from({ length: 3 }, () => createLicense(tillkey, { policy: free })));
    const machines = await Promise.all(licenses.map(async (license) => (await activate(tillkey, license, 'fingerprint-1')).body.data.id));
    const third = await startTestService({ role: 'web', clock, databaseUrl: tillkey.databaseUrl });
    await Promise.all(Array.from({ length: 90 }, (_, n) => {
      const by = [tillkey, other, third][n % 3]!;
      const license = licenses[Math.floor(n / 3) % 3]!;
      return n % 2 ? validate(by, license) : beat(license, machines[Math.floor(n / 3) % 3]!, by);
    }));
    await third.stop();
    for (const license of licenses) {
      const types = (await told(license)).map(({ type }) => type);
      expect(types.filter((type) => type === 'machine.heartbeat' || type === 'validation.success')).toHaveLength(30);
    }
  });

  test('is kept, in its order, while the database takes no events', async () => {
    const license = await createLicense(tillkey, { policy: free });
    await sql('alter table events rename to moved_away');
    for (const entitlements of [[], ['none'], []]) await validate(tillkey, license, { entitlements });
    await tillkey.service.dependencies.appEvents.flush();
    await validate(tillkey, license);
    await sql('alter table moved_away rename to events');
    expect((await told(license, 'validation.')).map(({ type }) => type)).toEqual(['validation.success', 'validation.failed', 'validation.success', 'validation.success']);
  });

  test('is told at the moment by which it was judged, however much later it is written down', async () => {
    const rehearsed = '2027-01-01T00:00:00.000Z';
    const license = await createLicense(tillkey, { policy: { ...free, maxUniqueFingerprints: 1 } });
    const { id } = (await activate(tillkey, license, 'fingerprint-1')).body.data;
    await sql('insert into test_clocks (scope_id, now) values (?, ?)', [tillkey.service.dependencies.scopes[1]!.id, rehearsed]);
    await beat(license, id);
    for (const n of [1, 2]) await validate(tillkey, license, { fingerprint: `fingerprint-${n}` });
    await sql('delete from test_clocks');
    const events = (await told(license)).filter(({ type }) => !['license.created', 'machine.activated'].includes(type));
    expect(events.map(({ type }) => type).sort()).toEqual(['license.activated', 'license.sharing_detected', 'machine.heartbeat', 'validation.success', 'validation.success']);
    expect(new Set(events.map(({ createdAt }) => createdAt))).toEqual(new Set([rehearsed]));
  });
});

describe('the limit of machines', () => {
  const limits = async (license: { id: string }) => (await told(license, 'license.limit_reached')).map(({ data }) => data.limit);

  test('is told when the last slot is taken, with the license, and once a crossing', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2 } });
    const first = await activate(tillkey, license, 'fingerprint-1');
    expect(await limits(license)).toEqual([]);
    await activate(tillkey, license, 'fingerprint-2');
    await activate(tillkey, license, 'fingerprint-2');
    expect((await activate(tillkey, license, 'fingerprint-3')).status).toBe(422);
    expect(await told(license, 'license.limit_reached')).toMatchObject([{ data: { id: license.id, machineCount: 2, maxMachines: 2, limit: { kind: 'machines', max: 2, count: 2 } } }]);
    await tillkey.call('DELETE', `/api/v1/machines/${first.body.data.id}`);
    await activate(tillkey, license, 'fingerprint-3');
    expect(await limits(license)).toHaveLength(2);
  });

  test('is not told again by an eviction, nor beyond a lowered limit, nor without one', async () => {
    const [floating, unlimited] = [await createLicense(tillkey, { policy: { maxMachines: 2, floating: true } }), await createLicense(tillkey)];
    for (const n of [1, 2, 3, 4]) for (const license of [floating, unlimited]) await activate(tillkey, license, `fingerprint-${n}`);
    await tillkey.call('PATCH', `/api/v1/licenses/${floating.id}`, { body: { maxMachinesOverride: 1 } });
    await activate(tillkey, floating, 'fingerprint-5');
    expect([await limits(floating), await limits(unlimited)]).toEqual([[{ kind: 'machines', max: 2, count: 2 }], []]);
  });

  test('is told once for a hundred activations at once', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 5 } });
    await Promise.all(Array.from({ length: 100 }, (_, n) => activate(n % 2 ? tillkey : other, license, `fingerprint-${n}`)));
    expect(await limits(license)).toEqual([{ kind: 'machines', max: 5, count: 5 }]);
  });
});

describe('the limit of uses', () => {
  test.each([1, 50])('of %i is told when the last is taken, once for 120 at once, and again after a reset', async (maxUses) => {
    const license = await createLicense(tillkey, { policy: { ...free, maxUses } });
    for (const crossings of [1, 2]) {
      const answers = await Promise.all(Array.from({ length: 120 }, (_, n) => validate(n % 2 ? tillkey : other, license)));
      expect(answers.filter(({ code }) => code === 'VALID').map(({ license: { usesCount } }) => usesCount).sort((a, b) => a - b)).toEqual(Array.from({ length: maxUses }, (_, n) => n + 1));
      const rows = await sql(`select data from events where license_id = ? and type = 'license.limit_reached'`, [license.id]);
      expect(rows).toHaveLength(crossings);
      expect(rows.at(-1)).toMatchObject({ data: { id: license.id, usesCount: maxUses, limit: { kind: 'uses', max: maxUses, count: maxUses } } });
      await tillkey.call('POST', `/api/v1/licenses/${license.id}/reset-usage`);
    }
  });

  test('is told in the commit that takes the last: where it cannot be told, none is taken', async () => {
    const license = await createLicense(tillkey, { policy: { ...free, maxUses: 1 } });
    await sql(`alter table events add constraint full_up check (type <> 'license.limit_reached') not valid`);
    expect((await tillkey.call('POST', '/api/v1/licenses/validate-key', { key: null, body: { key: license.key } })).status).toBe(500);
    await sql('alter table events drop constraint full_up');
    expect(await validate(tillkey, license)).toMatchObject({ code: 'VALID', license: { usesCount: 1 } });
  });
});
