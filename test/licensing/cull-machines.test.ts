import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { cullMachines } from '../../src/licensing/cull-machines.ts';
import { activate, createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { startTwoWebs, testClock, type TestService } from '../support/service.ts';

const clock = testClock(new Date('2026-06-01T00:00:00.000Z'));
const later = (minutes: number, ms = 0) => clock.set(new Date(clock.now().getTime() + minutes * 60_000 + ms));

let tillkey: TestService;
let other: TestService;
beforeAll(async () => {
  [tillkey, other] = await startTwoWebs(clock);
});
afterAll(async () => {
  await other.stop();
  await tillkey.stop();
});

const asking = { requireHeartbeat: true, heartbeatIntervalMinutes: 10 };
const scope = () => tillkey.service.dependencies.scopes[1]!;
const sql = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);
const next = () => cullMachines.next(tillkey.service.dependencies.database.em.fork(), scope());
const batch = ({ by = tillkey, waits = false, now = clock.now() } = {}) => cullMachines.batch(by.service.dependencies, { scope: scope(), waits }, now);
const beat = (license: { key: string }, id: string) => tillkey.call('POST', `/api/v1/machines/${id}/heartbeat`, { license: license.key });
const machines = async (license: { id: string }) => (await tillkey.call('GET', `/api/v1/machines?limit=100&licenseId=${license.id}`)).body.data;

/** As its caller runs it: until nothing is due. Returns how many machines were looked at. */
async function cull(options: Parameters<typeof batch>[0] = {}): Promise<number> {
  let looked = 0;
  for (let count = -1; count !== 0; looked += count) ({ count } = await batch(options));
  return looked;
}

/** What was told of a license's machines, besides what its apps did, in order and without a gap. */
async function told({ id }: { id: string }): Promise<string[]> {
  const rows = await sql('select type, sequence from events where license_id = ? order by sequence', [id]);
  expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, n) => n + 1));
  return rows.map(({ type }) => type).filter((type) => ['machine.activated', 'machine.dead', 'machine.deactivated'].includes(type));
}

async function silentMachine(policy: object = {}): Promise<{ license: any; id: string }> {
  const license = await createLicense(tillkey, { policy: { ...asking, ...policy } });
  return { license, id: (await activate(tillkey, license, 'fingerprint-1')).body.data.id };
}

beforeEach(async () => {
  await sql('update machines set deleted_at = created_at where deleted_at is null');
});

describe('a machine that fell silent', () => {
  test('is due at the first millisecond at which it is dead, and not looked at before', async () => {
    const { license } = await silentMachine();
    const activatedAt = clock.now();
    expect(await next()).toEqual(new Date(activatedAt.getTime() + 20 * 60_000 + 1));
    later(20);
    expect(await cull()).toBe(0);
    later(0, 1);
    expect(await cull()).toBe(1);
    expect(await told(license)).toEqual(['machine.activated', 'machine.dead', 'machine.deactivated']);
    expect(await next()).toBeNull();
  });

  test('is taken off under DEACTIVATE_DEAD, and its events show it as it was', async () => {
    const { license, id } = await silentMachine();
    later(20, 1);
    await cull();
    const [dead, gone] = await sql(`select type, data, created_at from events where license_id = ? and type in ('machine.dead', 'machine.deactivated') order by sequence`, [license.id]);
    expect(dead).toMatchObject({ data: { id, status: 'dead', deletedAt: null } });
    expect(gone).toMatchObject({ data: { id, deletedAt: clock.now().toISOString() } });
    expect(new Date(dead.created_at)).toEqual(clock.now());
    expect((await tillkey.call('GET', `/api/v1/machines/${id}`)).status).toBe(404);
    expect((await beat(license, id)).status).toBe(404);
    expect(await validate(tillkey, license, { fingerprint: 'fingerprint-1' })).toMatchObject({ code: 'FINGERPRINT_NOT_FOUND' });
  });

  test('stays under KEEP_DEAD, counts, is told once a death, and is revived by a heartbeat', async () => {
    const { license, id } = await silentMachine({ heartbeatCullStrategy: 'KEEP_DEAD', maxMachines: 1 });
    for (const deaths of [1, 2]) {
      later(20, 1);
      expect(await cull({ waits: true })).toBe(1);
      later(100);
      expect(await cull()).toBe(0);
      expect((await told(license)).filter((type) => type === 'machine.dead')).toHaveLength(deaths);
      expect(await activate(tillkey, license, 'fingerprint-2')).toMatchObject({ status: 422 });
      expect(await beat(license, id)).toMatchObject({ status: 200, body: { data: { status: 'alive' } } });
      expect(await next()).toEqual(new Date(clock.now().getTime() + 20 * 60_000 + 1));
    }
    expect(await machines(license)).toMatchObject([{ id, status: 'alive' }]);
  });

  test('whose death was told is not told dead again by the activation that takes its slot', async () => {
    const { license, id } = await silentMachine({ heartbeatCullStrategy: 'KEEP_DEAD', maxMachines: 1 });
    later(20, 1);
    await cull();
    await tillkey.call('PATCH', `/api/v1/policies/${license.policyId}`, { body: { heartbeatCullStrategy: 'DEACTIVATE_DEAD' } });
    expect(await activate(tillkey, license, 'fingerprint-2')).toMatchObject({ status: 201 });
    expect((await tillkey.call('GET', `/api/v1/machines/${id}`)).status).toBe(404);
    expect(await told(license)).toEqual(['machine.activated', 'machine.dead', 'machine.deactivated', 'machine.activated']);
  });

  test('and then sent a heartbeat is let alone until it may be dead again', async () => {
    const { license, id } = await silentMachine();
    later(15);
    await beat(license, id);
    later(5, 1);
    // The heartbeat may be told at this very moment, which holds the license.
    expect(await cull({ waits: true })).toBe(1);
    expect(await next()).toEqual(new Date(clock.now().getTime() + 15 * 60_000));
    later(15);
    await cull({ waits: true });
    expect(await told(license)).toEqual(['machine.activated', 'machine.dead', 'machine.deactivated']);
  });
});

describe('a rule that changes', () => {
  const change = (license: { policyId: string }, body: object) => tillkey.call('PATCH', `/api/v1/policies/${license.policyId}`, { body });

  test('to asking for heartbeats begins to cull, and to asking for none ends it', async () => {
    const { license } = await silentMachine({ requireHeartbeat: false });
    expect(await next()).toBeNull();
    later(100);
    await change(license, { requireHeartbeat: true });
    expect(await cull()).toBe(1);
    expect(await next()).toEqual(new Date(clock.now().getTime() + 20 * 60_000 + 1));
    await change(license, { requireHeartbeat: false });
    expect(await cull()).toBe(1);
    expect(await next()).toBeNull();
    expect(await told(license)).toEqual(['machine.activated']);
  });

  test('to a shorter or longer interval moves the moment of death', async () => {
    const { license } = await silentMachine();
    const activatedAt = clock.now().getTime();
    for (const minutes of [5, 100]) {
      await change(license, { heartbeatIntervalMinutes: minutes });
      await cull();
      expect(await next()).toEqual(new Date(activatedAt + 2 * minutes * 60_000 + 1));
    }
  });

  test('so that a dead machine lives again has its next death told too', async () => {
    const { license } = await silentMachine({ heartbeatCullStrategy: 'KEEP_DEAD' });
    later(20, 1);
    await cull();
    await change(license, { heartbeatIntervalMinutes: 100 });
    await cull();
    later(200);
    await cull();
    expect(await told(license)).toEqual(['machine.activated', 'machine.dead', 'machine.dead']);
  });

  test('to DEACTIVATE_DEAD takes off whose death was told, without telling it again', async () => {
    const { license } = await silentMachine({ heartbeatCullStrategy: 'KEEP_DEAD' });
    later(20, 1);
    await cull();
    await change(license, { heartbeatCullStrategy: 'DEACTIVATE_DEAD' });
    await cull();
    expect(await told(license)).toEqual(['machine.activated', 'machine.dead', 'machine.deactivated']);
  });

  test('because the license moves to another policy counts from the move', async () => {
    const { license } = await silentMachine({ requireHeartbeat: false });
    const strict = (await tillkey.call('POST', '/api/v1/policies', { body: { productId: license.productId, name: 'Strict', ...asking } })).body.data;
    later(100);
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { policyId: strict.id } });
    await cull();
    expect(await next()).toEqual(new Date(clock.now().getTime() + 20 * 60_000 + 1));
  });

  test('while a machine is activated counts for it too', async () => {
    const policy = await createPolicy(tillkey, { ...asking, requireHeartbeat: false });
    const license = await createLicense(tillkey, { policyId: policy.id });
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('select 1 from policies where id = $1 for update', [policy.id]);
      await rival.run('update policies set require_heartbeat = true, heartbeat_required_since = $2 where id = $1', [policy.id, clock.now()]);
      expect((await rival.commitOnce(activate(tillkey, license, 'fingerprint-1'))).status).toBe(201);
    });
    expect(await next()).toEqual(new Date(clock.now().getTime() + 20 * 60_000 + 1));
  });
});

describe('culling, beside others', () => {
  test('judges again under the lock: a heartbeat that came first keeps its machine', async () => {
    const { license, id } = await silentMachine();
    later(20, 1);
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('update machines set last_heartbeat_at = $2 where id = $1', [id, clock.now()]);
      expect((await rival.commitOnce(batch({ waits: true }))).count).toBe(1);
    });
    expect(await machines(license)).toMatchObject([{ id, status: 'alive' }]);
    expect(await told(license)).toEqual(['machine.activated']);
  });

  test('leaves what somebody holds for the next time, and the rest is done', async () => {
    const [held, free] = [await silentMachine(), await silentMachine()];
    later(20, 1);
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('select 1 from licenses where id = $1 for update', [held.license.id]);
      expect(await cull()).toBe(1);
      expect(await told(free.license)).toContain('machine.deactivated');
      await rival.run('rollback');
    });
    expect(await cull()).toBe(1);
    expect(await told(held.license)).toEqual(['machine.activated', 'machine.dead', 'machine.deactivated']);
  });

  test('waits, where it is asked to, and goes on after what another runner did meanwhile', async () => {
    const { license } = await silentMachine();
    later(20, 1);
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('select 1 from licenses where id = $1 for update', [license.id]);
      await rival.run('update machines set deleted_at = now() where license_id = $1', [license.id]);
      expect((await rival.commitOnce(batch({ waits: true }))).count).toBe(1);
    });
    expect(await cull({ waits: true })).toBe(0);
  });

  test('never takes off a machine whose heartbeat was answered 200, nor loses one for which it was 404', async () => {
    const racing = await Promise.all(Array.from({ length: 40 }, () => silentMachine()));
    later(20, 1);
    const beats = racing.map(async ({ license, id }, n) => {
      for (let turn = 0; turn < n % 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return (await beat(license, id)).status;
    });
    const [statuses] = await Promise.all([Promise.all(beats), cull({ waits: true }), cull({ by: other })]);
    await cull();
    for (const [n, { license }] of racing.entries()) {
      const alive = (await machines(license)).length === 1;
      expect([statuses[n], alive]).toEqual(alive ? [200, true] : [404, false]);
      expect(await told(license)).toEqual(alive ? ['machine.activated'] : ['machine.activated', 'machine.dead', 'machine.deactivated']);
    }
  });

  test.each([false, true])('two runners tell of each of 3,000 machines once, on one license and on many (waiting: %s)', async (waits) => {
    const licenses = [await createLicense(tillkey, { policy: asking }), ...(await Promise.all(Array.from({ length: 10 }, () => createLicense(tillkey, { policy: asking }))))];
    for (const [n, license] of licenses.entries()) {
      await sql(`
        insert into machines (id, scope_id, license_id, fingerprint, metadata, created_at, updated_at, due_at)
        select gen_random_uuid(), ?, ?, 'fingerprint-' || n, '{}', ?, ?, ? from generate_series(1, ${n === 0 ? 2_000 : 100}) as n`, [scope().id, license.id, clock.now(), clock.now(), clock.now()]);
    }
    later(20, 1);
    const looked = await Promise.all([cull({ waits }), cull({ by: other, waits })]);
    if (!waits) expect(looked[0]! + looked[1]!).toBe(3_000);
    const ofLicenses = [`{${licenses.map(({ id }) => id).join()}}`];
    expect(await sql(`select type, count(*)::int as count, count(distinct data ->> 'id')::int as machines from events where license_id = any(?::uuid[]) and type like 'machine.%' group by 1 order by 1`, ofLicenses)).toEqual([
      { type: 'machine.deactivated', count: 3_000, machines: 3_000 }, { type: 'machine.dead', count: 3_000, machines: 3_000 },
    ]);
    expect(await next()).toBeNull();
  });
});
