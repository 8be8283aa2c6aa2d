import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activate, createLicense, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { LIVE_KEY, startTestService, startTwoWebs, testClock, type TestService } from '../support/service.ts';

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

const path = '/api/v1/licenses/validate-key';
const free = { requireFingerprint: false };
const read = async ({ id }: { id: string }) => (await tillkey.call('GET', `/api/v1/licenses/${id}`)).body.data;
const flush = async () => {
  for (const { service } of [tillkey, other]) await service.dependencies.validations.flush();
};
const told = async ({ id }: { id: string }, type: string) => {
  await flush();
  return (await tillkey.service.dependencies.database.em.fork().execute<object[]>('select 1 from events where license_id = ? and type = ?', [id, type])).length;
};

describe('validate-key', () => {
  test('answers with the public part of the license, the machine and the entitlements, and the nonce', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 2 }, license: { userEmail: 'ada@example.com', metadata: { secret: 1 } } });
    const machine = (await activate(tillkey, license, 'fingerprint-1', { name: 'Desk', cores: 4, platform: 'macos' })).body.data;
    const { status, body } = await tillkey.call('POST', path, { key: null, body: { key: license.key.toLowerCase(), fingerprint: 'fingerprint-1', nonce: 'n-1' } });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: {
        valid: true, code: 'VALID', detail: 'The license is valid.', nonce: 'n-1', entitlements: [],
        license: {
          id: license.id, name: null, status: 'active', productId: license.productId, policyId: license.policyId, expiresAt: null,
          maxMachines: 2, maxUses: null, usesCount: 1, createdAt: license.createdAt,
        },
        machine: {
          id: machine.id, fingerprint: 'fingerprint-1', name: 'Desk', platform: 'macos', hostname: null, cores: 4, status: 'alive',
          lastHeartbeatAt: null, heartbeatDueAt: null, createdAt: machine.createdAt,
        },
      },
    });
  });

  test.each([
    ['none', {}, undefined, 'FINGERPRINT_REQUIRED'],
    ['an unknown one, with a slot free', { maxMachines: 2 }, 'fingerprint-2', 'FINGERPRINT_NOT_FOUND'],
    ['an unknown one, without a limit', {}, 'fingerprint-2', 'FINGERPRINT_NOT_FOUND'],
    ['an unknown one, with no slot free', { maxMachines: 1 }, 'fingerprint-2', 'MACHINE_LIMIT_EXCEEDED'],
    ['an unknown one, with no slot free, where machines float', { maxMachines: 1, floating: true }, 'fingerprint-2', 'FINGERPRINT_NOT_FOUND'],
    ['an unknown one, where none is required', { maxMachines: 1, requireFingerprint: false }, 'fingerprint-2', 'VALID'],
    ['a known one', { maxMachines: 1 }, 'fingerprint-1', 'VALID'],
  ])('with a fingerprint that is %s, under %j (%s), answers %s', async (_which, policy, fingerprint, code) => {
    const license = await createLicense(tillkey, { policy });
    await activate(tillkey, license, 'fingerprint-1');
    expect(await validate(tillkey, license, fingerprint === undefined ? {} : { fingerprint })).toMatchObject({ code, license: { id: license.id } });
  });

  test('names the product’s mismatch without telling of the license', async () => {
    const license = await createLicense(tillkey, { policy: free });
    expect(await validate(tillkey, license, { product: license.productId })).toMatchObject({ code: 'VALID' });
    expect(await validate(tillkey, license, { product: 'OTHER' })).toEqual({ valid: false, code: 'PRODUCT_MISMATCH', detail: expect.any(String), license: null, machine: null, entitlements: [] });
  });

  test('answers an unknown key, a typing slip and a deleted license alike', async () => {
    const license = await createLicense(tillkey, { policy: free });
    await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`);
    const slip = license.key.slice(0, -1) + (license.key.endsWith('0') ? '1' : '0');
    const answers = await Promise.all(['no-such-key', slip, license.key].map((key) => validate(tillkey, { key })));
    for (const answer of answers) expect(answer).toEqual({ valid: false, code: 'NOT_FOUND', detail: 'No license has this key.', license: null, machine: null, entitlements: [] });
  });

  test('judges expiry by the strategy, to the millisecond', async () => {
    const end = new Date(clock.now().getTime() + 1_000);
    const made = async (expirationStrategy: string) => createLicense(tillkey, { policy: { ...free, expirationStrategy }, license: { expiresAt: end.toISOString() } });
    const licenses = [await made('RESTRICT_ACCESS'), await made('REVOKE'), await made('ALLOW_ACCESS')];
    const codes = () => Promise.all(licenses.map(async (license) => (await validate(tillkey, license)).code));
    clock.set(new Date(end.getTime() - 1));
    expect(await codes()).toEqual(['VALID', 'VALID', 'VALID']);
    clock.set(end);
    expect(await codes()).toEqual(['EXPIRED', 'EXPIRED', 'EXPIRED_ALLOWED']);
  });

  test('reads the policy when it is asked', async () => {
    const license = await createLicense(tillkey, { policy: { ...free, maxUses: 1 } });
    await validate(tillkey, license);
    expect(await validate(tillkey, license)).toMatchObject({ code: 'USES_EXCEEDED' });
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { maxUsesOverride: 2 } });
    expect(await validate(tillkey, license)).toMatchObject({ code: 'VALID', license: { usesCount: 2, maxUses: 2 } });
  });

  test('in live and test data keeps the two apart', async () => {
    const license = await createLicense(tillkey, { policy: free });
    expect(await tillkey.call('GET', `/api/v1/licenses?key=${license.key}`, { key: LIVE_KEY })).toMatchObject({ body: { data: [] } });
  });
});

describe('uses', () => {
  test('of 200 at once by two processes, exactly the 50 that the limit allows are valid', async () => {
    const license = await createLicense(tillkey, { policy: { ...free, maxUses: 50 } });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => validate(n % 2 ? tillkey : other, license)));
    expect(answers.filter(({ valid }) => valid)).toHaveLength(50);
    expect(answers.filter(({ code }) => code === 'USES_EXCEEDED')).toHaveLength(150);
    expect(new Set(answers.filter(({ valid }) => valid).map((answer) => answer.license.usesCount)).size).toBe(50);
    expect((await read(license)).usesCount).toBe(50);
  });

  test('of a license whose row somebody holds wait for it, and no other license waits', async () => {
    const [held, unheld] = [await createLicense(tillkey, { policy: { ...free, maxUses: 5 } }), await createLicense(tillkey, { policy: { ...free, maxUses: 5 } })];
    await withRival(tillkey.databaseUrl, async (rival) => {
      await rival.run('update licenses set uses_count = 4 where id = $1', [held.id]);
      const waiting = Promise.all(Array.from({ length: 3 }, () => validate(tillkey, held)));
      await rival.untilStuck(waiting);
      expect(await validate(tillkey, unheld)).toMatchObject({ code: 'VALID', license: { usesCount: 1 } });
      const codes = (await rival.commitOnce(waiting)).map(({ code }) => code);
      expect(codes.sort()).toEqual(['USES_EXCEEDED', 'USES_EXCEEDED', 'VALID']);
    });
  });

  test('are counted for successful validations only, limited or not', async () => {
    for (const maxUses of [null, 10]) {
      const license = await createLicense(tillkey, { policy: { ...free, maxUses } });
      await validate(tillkey, license);
      await validate(tillkey, license, { entitlements: ['none'] });
      await validate(tillkey, license, { product: 'OTHER' });
      await validate(tillkey, license);
      expect((await read(license)).usesCount).toBe(2);
    }
  });

  test('without a limit are written behind, none lost between two processes and a clean stop', async () => {
    const license = await createLicense(tillkey, { policy: free });
    const third = await startTestService({ role: 'web', clock, databaseUrl: tillkey.databaseUrl });
    await Promise.all(Array.from({ length: 90 }, (_, n) => validate([tillkey, other, third][n % 3]!, license)));
    await third.stop();
    await flush();
    expect(await read(license)).toMatchObject({ usesCount: 90, lastValidatedAt: clock.now().toISOString() });
  });

  test('of licenses that two processes write about at once, in opposite halves, never block each other', async () => {
    const licenses: { key: string }[] = [];
    for (let n = 0; n < 8; n += 1) licenses.push(await createLicense(tillkey, { policy: { ...free, maxUniqueFingerprints: 1000 } }));
    const em = tillkey.service.dependencies.database.em.fork();
    const deadlocks = async () => (await em.execute<{ deadlocks: string }[]>('select deadlocks from pg_stat_database where datname = current_database()'))[0]?.deadlocks;
    const before = await deadlocks();
    for (let round = 0; round < 15; round += 1) {
      await Promise.all([tillkey, other].flatMap((process, which) => licenses.map((license, n) => {
        const fails = (n < 4) === (which === 0);
        return validate(process, license, { fingerprint: `fingerprint-${which}-${round}`, ...(fails && { entitlements: ['none'] }) });
      })));
      await flush();
    }
    expect(await deadlocks()).toBe(before);
  });

  test('are kept while the database cannot be written to', async () => {
    const license = await createLicense(tillkey, { policy: free });
    const em = tillkey.service.dependencies.database.em.fork();
    await em.execute('alter table licenses rename column last_validated_at to moved_away');
    // Reading the license for the verdict does not need the column.
    await validate(tillkey, license, { fingerprint: 'fingerprint-1' });
    await tillkey.service.dependencies.validations.flush();
    expect(await em.execute('select uses_count from licenses where id = ?', [license.id])).toEqual([{ uses_count: 0 }]);
    await em.execute('alter table licenses rename column moved_away to last_validated_at');
    expect(await read(license)).toMatchObject({ usesCount: 1, lastValidatedAt: clock.now().toISOString() });
  });
});

describe('what validations saw', () => {
  test('tells of the first, once', async () => {
    const license = await createLicense(tillkey, { policy: free });
    await Promise.all([validate(tillkey, license), validate(other, license), validate(tillkey, license)]);
    expect(await told(license, 'license.activated')).toBe(1);
    await validate(other, license);
    expect(await told(license, 'license.activated')).toBe(1);
  });

  test('tells of sharing once a crossing, by every fingerprint that ever asked', async () => {
    const license = await createLicense(tillkey, { policy: { ...free, maxUniqueFingerprints: 2 } });
    for (const n of [1, 2, 1, 2]) await validate(tillkey, license, { fingerprint: `fingerprint-${n}` });
    expect(await told(license, 'license.sharing_detected')).toBe(0);
    await Promise.all([3, 4, 5, 3].flatMap((n) => [tillkey, other].map((process) => validate(process, license, { fingerprint: `fingerprint-${n}` }))));
    expect(await told(license, 'license.sharing_detected')).toBe(1);
    await validate(tillkey, license, { fingerprint: 'fingerprint-6' });
    expect(await told(license, 'license.sharing_detected')).toBe(1);
  });
});

describe('the signature of the answer', () => {
  test('is over the second it was given and the very bytes that were sent, by a published key', async () => {
    const license = await createLicense(tillkey, { policy: free });
    const ask = (key: string) => fetch(`${tillkey.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key, nonce: 'ünïcode' }) });
    for (const reply of [await ask(license.key), await ask('no-such-key')]) {
      const [, t, kid, signature] = /^t=(\d+),kid=([^,]+),ed25519=(.+)$/.exec(reply.headers.get('tillkey-signature') ?? '') ?? [];
      const { keys } = (await (await fetch(`${tillkey.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
      const key = createPublicKey({ key: keys.find((jwk) => jwk.kid === kid)!, format: 'jwk' });
      const text = await reply.text();
      const signs = (signed: string) => verify(null, Buffer.from(signed), key, Buffer.from(signature ?? '', 'base64'));
      expect(signs(`${t}.${text}`)).toBe(true);
      expect(signs(`${t}.${text.replace('"valid":', '"valid": ')}`)).toBe(false);
      expect(Number(t)).toBe(Math.floor(clock.now().getTime() / 1000));
    }
  });
});
