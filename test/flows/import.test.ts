import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { placeLicenses } from '../../src/licensing/place-licenses.ts';
import { importFrom, importOn, type Ended } from '../support/import.ts';
import { spawnTillkey } from '../support/process.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** Moving in: the command as it runs at a terminal, in this process, but for a test that ends it half-way. */

let tillkey: TestService;
let folder: string;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  folder = await mkdtemp(join(tmpdir(), 'tillkey-import-'));
});
afterAll(async () => {
  await tillkey.stop();
  await rm(folder, { recursive: true });
});

const run = (from: string, text: string | Buffer, options: string[] = []): Promise<Ended> => importFrom(tillkey, { folder, from, text }, options);
const get = async (path: string) => (await tillkey.call('GET', `/api/v1${path}`)).body.data;
const make = async (path: string, body: object) => (await tillkey.call('POST', `/api/v1${path}`, { body })).body.data;
const licenseOf = async (key: string) => (await get(`/licenses?key=${encodeURIComponent(key)}`))[0];
const machinesOf = async (key: string) => get(`/machines?limit=100&licenseId=${(await licenseOf(key)).id}`);
const validate = async (key: string, fingerprint?: string) => (await tillkey.call('POST', '/api/v1/licenses/validate-key', { body: { key, ...(fingerprint && { fingerprint }) }, key: null })).body.data;
const sql = (statement: string) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement);
const count = async (what: string) => Number((await sql(`select count(*) as count from ${what}`))[0].count);
const lines = (...all: string[]) => `${all.join('\n')}\n`;

const lsKey = (id: string, attributes: object) => ({ type: 'license-keys', id, attributes: { store_id: 1, product_id: 7, order_item_id: 70, user_name: 'Darlene', user_email: 'darlene@example.com', activation_limit: 2, instances_count: 0, disabled: 0, status: 'inactive', expires_at: null, created_at: '2021-05-24T14:15:07.000000Z', ...attributes } });
const lsInstance = (id: string, keyId: number | string, identifier: string) => ({ type: 'license-key-instances', id, attributes: { license_key_id: keyId, identifier, name: 'example.com', created_at: '2022-11-14T11:45:39.000000Z' } });

test('a dry run writes nothing at all, and says what an import would make and refuse', async () => {
  const tables = (await sql(`select tablename from pg_tables where schemaname = 'public'`)).map(({ tablename }) => tablename);
  const all = async () => {
    const rows = await Promise.all(tables.map(async (table) => [table, await count(table)]));
    return { rows, numbers: await sql('select sequencename, last_value from pg_sequences order by 1') };
  };
  const before = await all();
  const { code, said, refused } = await run('csv', lines('key,product,activations,email', 'dry-0001,Dry,machine-0001,dry@example.com', 'dry-0002,,,', 'dry-0001,,,'), ['--dry-run']);
  expect({ code, refused }).toEqual({ code: 1, refused: ['4,…-0001,The same key is in line 2 already'] });
  expect(said).toMatch(/^Would import into the test data: 2 licenses, 1 activations[^]*Would make the product Dry/);
  expect(said).not.toContain('Imported into');
  expect(await all()).toEqual(before);
});

describe('a CSV', () => {
  test('brings keys, customers, limits, ends, states, uses and activations as they are, and mails nobody', async () => {
    const { code, said, refused } = await run('csv', lines(
      'Key,E-Mail,NAME,product,policy,status,Limit,max uses,Uses,Expires-At,activations,metadata,created_at,color',
      'csv-full-Key.1,Jo@Example.com,Jo,Acme Pro,Studio,active,3,50,7,2031-01-31,machine-0001; machine-0002,"{""seat"": ""A""}",2020-01-01,red',
      'csv-suspended,jo@example.com,,,,Disabled,unlimited,,,,,,,',
      'csv-inactive,,Solo,,,inactive,,,,,,,,',
      'csv-revoked,,,,,revoked,,,,,,,,',
      'csv-banned,,,,,banned,,,,,,,,',
      'csv-expired,,,,,active,,,,1577836800,,,,',
      'csv-over,,,Acme Pro,studio,,1,,,2031-01-31 12:00:00,"[""machine-0003"", {""id"": ""7F6B4F0E-8F25-4F9B-9E55-6A52F7B3D111"", ""name"": ""Mac"", ""createdAt"": ""2024-05-01T10:00:00Z""}]",,,',
    ));
    expect({ code, refused }).toEqual({ code: 0, refused: [] });
    expect(said).toMatch(/Nothing is read of these columns: color[^]*Would import into the test data: 7 licenses, 4 activations[^]*Would make the product Acme Pro\.\nWould make the policy Studio of Acme Pro[^]*Imported into the test data: 7 licenses/);

    const full = await licenseOf('csv-full-Key.1');
    expect(full).toMatchObject({
      key: 'csv-full-Key.1', status: 'active', userEmail: 'Jo@Example.com', userName: 'Jo', maxMachines: 3, maxUses: 50, usesCount: 7, machineCount: 2,
      expiresAt: '2031-01-31T00:00:00.000Z', metadata: { seat: 'A', imported: { from: 'csv', createdAt: '2020-01-01' } },
    });
    expect(await get(`/policies/${full.policyId}`)).toMatchObject({ name: 'Studio', maxMachines: null, maxUses: null, allowMachineTransfer: false });
    expect(await get(`/products/${full.productId}`)).toMatchObject({ name: 'Acme Pro', code: 'ACME-PRO' });
    expect(await licenseOf('csv-suspended')).toMatchObject({ status: 'suspended', customerId: full.customerId, maxMachines: null, expiresAt: null });
    expect(await licenseOf('csv-inactive')).toMatchObject({ status: 'suspended', name: 'Solo', customerId: null });
    expect([await licenseOf('csv-revoked'), await licenseOf('csv-banned'), await licenseOf('csv-expired')].map(({ status }) => status)).toEqual(['revoked', 'banned', 'expired']);
    expect(await licenseOf('csv-over')).toMatchObject({ policyId: full.policyId, maxMachines: 1, machineCount: 2, expiresAt: '2031-01-31T12:00:00.000Z' });
    expect(await machinesOf('csv-over')).toContainEqual(expect.objectContaining({ id: '7f6b4f0e-8f25-4f9b-9e55-6a52f7b3d111', fingerprint: '7F6B4F0E-8F25-4F9B-9E55-6A52F7B3D111', name: 'Mac', createdAt: '2024-05-01T10:00:00.000Z' }));
    expect(await count('messages')).toBe(0);
    const told = (await sql(`select type, sequence from events where license_id = '${full.id}' order by sequence`)).map(({ type }) => type);
    expect(told).toEqual(['license.created', 'machine.activated', 'machine.activated']);
    expect(await count(`events where type = 'customer.created' and data->>'email' ilike 'jo@example.com'`)).toBe(1);
  });

  test('may have any line ends, a byte order mark, quotes with line ends in them, empty lines and any letters', async () => {
    const { code, refused } = await run('csv', '\ufeffLicense Key,name,email\r\n\r\nquirk-0001,"Zoë ""Zed""\r\nÅberg",zoe@example.com\r\n\n  quirk-0002 , 東京 ,tokyo@example.com\rquirk-0003,,\nquirk,,');
    expect({ code, refused }).toEqual({ code: 1, refused: ['8,…uirk,key: expected 8 to 255 visible ASCII characters'] });
    expect(await licenseOf('quirk-0001')).toMatchObject({ userName: expect.stringMatching(/^Zoë "Zed"\s+Åberg$/) });
    expect(await licenseOf('quirk-0002')).toMatchObject({ userName: '東京' });
    expect(await licenseOf('quirk-0003')).toBeDefined();
  });

  test('has each line refused alone, by its number and with the reason', async () => {
    const cases: [cells: string, reason: RegExp][] = [
      ['short,,,,,', /key: expected 8 to 255/],
      ['has a space in it,,,,,', /key: expected 8 to 255/],
      ['ref-mail,nobody,,,,', /email: expected an email address/],
      ['ref-date,,,31.01.2026,,', /expires_at: expected a date such as/],
      ['ref-day-of-none,,,2026-02-30,,', /expires_at: expected a date such as/],
      ['ref-status,,gone,,,', /unknown status ""gone"", expected one of active, suspended/],
      ['ref-day-after-all,,,9999-12-31T23:59:59-12:00,,', /expires_at: expected a date such as/],
      ['ref-limit-0,,,,0,', /limit: expected at least 1/],
      ['ref-limit-x,,,,many,', /limit: expected a whole number/],
      ['ref-limit-big,,,,3000000000,', /limit: expected at most 2147483647/],
      ['ref-nul-\u0000,,,,,', /NUL or broken Unicode/],
      ['ref-columns,,,,,,,', /has 8 columns, where the first line has 6/],
      ['ref-list,,,,,[1', /activations: expected fingerprints/],
      ['ref-good,,,,,', /The same key is in line 2 already/],
    ];
    const { code, said, refused } = await run('csv', lines('key,email,status,expires_at,limit,activations', 'ref-good,,,,,tiny; machine-0001;machine-0001', ...cases.map(([cells]) => cells)));
    expect(code).toBe(1);
    expect(said).toMatch(/Imported into the test data: 1 licenses, 1 activations[^]*16 lines were refused: .*report/);
    const byLine = new Map(refused.map((line) => [Number(line.split(',')[0]), line]));
    for (const [n, [, reason]] of cases.entries()) expect(byLine.get(n + 3)).toMatch(reason);
    expect(refused.filter((line) => line.startsWith('2,'))).toEqual([expect.stringContaining('activation: fingerprint: Too small'), expect.stringContaining('The same fingerprint is in line 2 already')]);
    expect(await machinesOf('ref-good')).toHaveLength(1);
  });

  test('of a system in the words of RustBill brings its limits, its flags, and says what is wrong with them', async () => {
    const { code, refused } = await run('csv', lines('licenseKey,maxActivations,expiresAt,metadata', 'rust-0001,2,2031-01-15T00:00:00Z,"{""featureFlags"": {""max_users"": 50}}"', 'rust-0002,,,{oops'));
    expect([code, refused]).toEqual([1, [expect.stringMatching(/^3,…-0002,.*metadata: expected a JSON object/)]]);
    expect(await licenseOf('rust-0001')).toMatchObject({ maxMachines: 2, expiresAt: '2031-01-15T00:00:00.000Z' });
    expect((await tillkey.call('POST', '/api/licenses/verify', { body: { licenseKey: 'rust-0001' }, key: null })).body).toMatchObject({ valid: true, features: { max_users: 50 } });
  });

  test('that has expired without an end, or with one to come, ends now, and is said to', async () => {
    const { said } = await run('csv', lines('key,status,expires_at', 'exp-without,expired,', 'exp-to-come,expired,2031-01-01', 'exp-long-ago,expired,2020-01-01'));
    expect(said).toMatch(/2 licenses are said to have expired, without an end in the past: they end at the moment of the import/);
    expect(await Promise.all(['exp-without', 'exp-to-come', 'exp-long-ago'].map(licenseOf))).toEqual([
      expect.objectContaining({ status: 'expired', expiresAt: tillkey.clock.now().toISOString() }),
      expect.objectContaining({ status: 'expired', expiresAt: tillkey.clock.now().toISOString() }),
      expect.objectContaining({ status: 'expired', expiresAt: '2020-01-01T00:00:00.000Z' }),
    ]);
  });

  test.each([
    ['no column "key"', 'csv', 'code\nabc\n', /no column "key"/],
    ['nothing', 'csv', ' \n', /is empty/],
    ['another encoding', 'csv', Buffer.from('key,name\nlatin-key-1,Jos\xe9\n', 'latin1'), /not UTF-8/],
    ['a first line alone', 'csv', 'key,name\n', /Nothing to import in .*: expected a line below the first/],
    ['the export of another system', 'keygen', JSON.stringify({ data: [lsKey('1', { key: 'another-0001' })] }), /Nothing to import in .*: expected "type": "licenses" or "machines"\. Is --from the right one/],
    ['JSON for a CSV', 'csv', '[]', /is JSON, and --from csv/],
    ['a system that is not known', 'gumroad', 'key\n', /--from: expected one of lemon-squeezy, keygen, csv/],
  ])('with %s is a wrong call, and nothing is imported', async (_what, from, text, words) => {
    const before = await count('licenses');
    expect(await run(from, text)).toMatchObject({ code: 2, said: expect.stringMatching(words) });
    expect(await count('licenses')).toBe(before);
  });

  test('that is not there, names no product that there is, or is for both sides at once is a wrong call', async () => {
    expect(await importOn(tillkey, folder, [join(folder, 'nowhere.csv')], ['--from', 'csv'])).toMatchObject({ code: 2, said: expect.stringContaining('Cannot read') });
    expect(await importOn(tillkey, folder, [folder], ['--from', 'csv'])).toMatchObject({ code: 2, said: expect.stringContaining('it is no file') });
    expect(await importOn(tillkey, folder, ['/dev/null'], ['--from', 'csv'])).toMatchObject({ code: 2, said: expect.stringContaining('it is no file') });
    expect(await importOn(tillkey, folder, [], ['--from', 'csv'])).toMatchObject({ code: 2, said: expect.stringContaining('Which file?') });
    expect(await run('csv', 'key\nabcdefgh\n', ['--product', 'NONE'])).toMatchObject({ code: 2, said: expect.stringContaining('no product with the code NONE') });
    expect(await run('csv', 'key\nabcdefgh\n', ['--policy', 'none'])).toMatchObject({ code: 2, said: expect.stringContaining('not one policy none') });
    expect(await run('csv', 'key\nabcdefgh\n', ['--live'])).toMatchObject({ code: 2, said: expect.stringContaining('one side') });
  });
});

describe('records as people write them', () => {
  const expected = { userEmail: 'ann@example.com', userName: 'Ann Lee', maxMachines: 3, machineCount: 2, expiresAt: '2030-01-31T00:00:00.000Z' };

  test.each([
    ['license_key,customer_email,customer_name,max_machines,expires,fingerprints,product_code', 'KEY,ann@example.com,Ann Lee,3,2030-01-31,machine-0001;machine-0002,NAMES'],
    ['Key;Email;Customer;Max Activations;Expiry;Machines;Policy', 'KEY;ann@example.com;Ann Lee;3;2030-01-31 00:00:00+00;machine-0001|machine-0002;NULL'],
    ['licenseKey\tuser\tuserName\tmaxDevices\tExpiration Date\tfingerprint', 'KEY\tann@example.com\tAnn Lee\t3\t2030-01-31 00:00:00 UTC\tmachine-0001,machine-0002'],
    ['attributes.key,attributes.email,attributes.name,seats,valid_until,machine_ids', 'KEY,ann@example.com,Ann Lee,3,1896048000000,"machine-0001\nmachine-0002"'],
  ])('a CSV with the columns %s', async (header, line) => {
    const key = `names-${randomUUID()}`;
    expect(await run('csv', lines(header, line.replace('KEY', key)))).toMatchObject({ code: 0, said: expect.not.stringContaining('Nothing is read') });
    expect(await licenseOf(key)).toMatchObject(expected);
    expect(await validate(key, 'machine-0002')).toMatchObject({ code: 'VALID' });
  });

  test('whose limits and ends are words, whose states are flags, and which count activations instead of naming them', async () => {
    const { code, said } = await run('csv', lines('key,seats,expires,disabled,banned,active,activations,product_id', 'words-0001,Unlimited,never,false,0,true,1,77', 'words-0002,\\N,lifetime,true,,,0 / 5,', 'words-0003,null,-,,yes,,,', 'words-0004,,,,,f,,'));
    expect([code, said]).toEqual([0, expect.stringMatching(/4 licenses, 0 activations[^]*2 licenses say how many activations they have, and not which/)]);
    const found = await Promise.all(['words-0001', 'words-0002', 'words-0003', 'words-0004'].map(licenseOf));
    expect(found.map(({ status, maxMachines, expiresAt }) => [status, maxMachines, expiresAt])).toEqual(['active', 'suspended', 'banned', 'suspended'].map((status) => [status, null, null]));
  });

  test.each([
    ['keygen', { licenses: [{ key: 'KEY', user: { email: 'ann@example.com', fullName: 'Ann Lee' }, expiry: '2030-01-31T00:00:00Z', maxMachines: '3', machines: [{ fingerprint: 'machine-0001' }, { id: 'DEVICE', fingerprint: 'machine-0002' }] }] }],
    ['keygen', { meta: {}, licenses: { data: [{ id: 1, key: 'KEY', customer: 'Ann Lee', email: 'ann@example.com', expires_at: '2030-01-31', max_machines: 3 }] }, machines: [{ licenseId: 1, fingerprint: 'machine-0001' }, { license_id: 1, id: 'DEVICE', fingerprint: 'machine-0002' }] }],
    ['lemon-squeezy', [{ id: 7, key: 'KEY', user_name: 'Ann Lee', user_email: 'ann@example.com', activation_limit: 3, expires_at: '2030-01-31T00:00:00.000000Z', disabled: 0, status: 'inactive', instances: ['DEVICE', { identifier: randomUUID(), name: 'Mac' }] }]],
    ['lemon-squeezy', { license_keys: [{ type: 'license-keys', id: '8', attributes: { key: 'KEY', user_name: 'Ann Lee', user_email: 'ann@example.com', activation_limit: 3, expires_at: '2030-01-31', status: 'active' } }], license_key_instances: [{ license_key_id: 8, identifier: 'DEVICE' }, { license_key_id: 8, identifier: randomUUID() }] }],
  ])('JSON without the shape of JSON:API: %s, %j', async (from, said) => {
    const [key, device] = [`plain-${randomUUID()}`, randomUUID()];
    expect(await run(from, JSON.stringify(said).replace('KEY', key).replace('DEVICE', device))).toMatchObject({ code: 0, refused: [] });
    expect(await licenseOf(key)).toMatchObject(expected);
    expect(await get(`/machines/${device}`)).toMatchObject({ id: device });
    const asked = await tillkey.call('POST', '/v1/licenses/validate', { body: { license_key: key, instance_id: device }, key: null });
    expect(asked.body).toMatchObject({ valid: true, instance: { id: device }, license_key: { activation_limit: 3, activation_usage: 2 }, meta: { customer_email: 'ann@example.com' } });
  });

  test('that go down endlessly, or never end, are refused without taking the others along', async () => {
    const record = (key: string, metadata: string) => `{"key":"${key}","metadata":${metadata}}`;
    const deep = [record('deep-0001', '{}'), record('deep-0002', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`), record('deep-0003', '{}'), record('deep-0004', `"${'x'.repeat(5_000_000)}"`)];
    expect((await run('keygen', lines(...deep))).refused).toEqual([expect.stringMatching(/^2,,is nested more than 100 levels deep/), expect.stringMatching(/^4,,.*broken here.*longer than 4194304/)]);
    expect(await Promise.all(['deep-0001', 'deep-0002', 'deep-0003'].map(licenseOf))).toEqual([expect.anything(), undefined, expect.anything()]);
  });

  test('with no license among them are refused each, or as a whole', async () => {
    expect(await run('keygen', JSON.stringify({ errors: [{ title: 'Unauthorized' }] }))).toMatchObject({ code: 1, refused: [expect.stringMatching(/^1,,.*is nothing that is known/)] });
    expect(await run('keygen', JSON.stringify({ data: [lsKey('1', { key: 'of-another-system' })] }))).toMatchObject({ code: 2, said: expect.stringContaining('Nothing to import') });
    expect(await run('csv', 'key,email\n')).toMatchObject({ code: 2, said: expect.stringContaining('Nothing to import') });
  });
});

test('imported keys validate as they are: in their case and punctuation, also where they look like ours', async () => {
  const keys = ['80e15db5-c796-436b-850c-8f9c98a48abe', 'aBcD{}%&/()=?!"\'`', 'ACME-7K4M-9QXR-2TNB-0000', 'acme-7k4m-9qxr-2tnb-0001'];
  expect(await validate(keys[2]!)).toMatchObject({ code: 'NOT_FOUND' });
  const { code } = await run('csv', lines('key,activations', ...keys.map((key, n) => `"${key.replaceAll('"', '""')}",device-of-${n}`)));
  expect(code).toBe(0);
  for (const [n, key] of keys.entries()) {
    for (const device of [`device-of-${n}`, undefined]) expect(await validate(key, device)).toMatchObject({ valid: true, code: 'VALID' });
    expect((await licenseOf(key)).key).toBe(key);
  }
  expect(await validate('ABCD{}%&/()=?!"\'`', 'device-of-1')).toMatchObject({ code: 'NOT_FOUND' });
});

test('again, it changes nothing but for activations that are missing; what was taken off here meanwhile stays off', async () => {
  const text = (activations: string) => lines('key,email,limit,activations', `again-0001,again@example.com,5,${activations}`);
  await run('csv', text('machine-0001;machine-0002'));
  const [first] = await machinesOf('again-0001');
  await tillkey.call('DELETE', `/api/v1/machines/${first.id}`);
  await tillkey.call('PATCH', `/api/v1/licenses/${(await licenseOf('again-0001')).id}`, { body: { maxMachinesOverride: 9 } });
  const { code, said } = await run('csv', text('machine-0001;machine-0002;machine-0003'));
  expect([code, said]).toEqual([0, expect.stringMatching(/Imported into the test data: 0 licenses, 1 activations\. Already there: 1 licenses, 2 activations/)]);
  const fingerprints = (await machinesOf('again-0001')).map(({ fingerprint }: { fingerprint: string }) => fingerprint);
  expect(fingerprints.toSorted()).toEqual(['machine-0001', 'machine-0002', 'machine-0003'].filter((one) => one !== first.fingerprint));
  expect(await licenseOf('again-0001')).toMatchObject({ maxMachines: 9 });
  expect((await run('csv', text('machine-0001;machine-0002;machine-0003'))).said).not.toContain('Imported into');
});

describe('products and policies', () => {
  test('are those that there are, by name or code, and a limit that is theirs is no override', async () => {
    const product = await make('/products', { name: 'Placed', code: 'PLACED' });
    const team = await make('/policies', { productId: product.id, name: 'Team', maxMachines: 3, maxUses: 10 });
    const fixed = await make('/policies', { productId: product.id, name: 'Fixed', maxMachines: 3, overridable: false });
    const { refused } = await run('csv', lines('key,product,policy,limit,max_uses', 'place-0001,placed,TEAM,3,10', 'place-0002,PLACED,Team,unlimited,unlimited', `place-0003,,${fixed.id},3,`, 'place-0004,Placed,Fixed,4,', 'place-0005,Placed,,3,'));
    expect(refused).toEqual([expect.stringMatching(/^5,.*Fixed is not overridable/), expect.stringMatching(/^6,.*has several policies/)]);
    expect(await licenseOf('place-0001')).toMatchObject({ policyId: team.id, maxMachines: 3, maxMachinesOverride: null, maxUses: 10, maxUsesOverride: null });
    expect(await licenseOf('place-0002')).toMatchObject({ policyId: team.id, maxMachines: null, maxUses: null });
    expect((await tillkey.call('POST', '/api/v1/licenses/validate-key', { body: { key: 'place-0002' } })).body.data.license).toMatchObject({ maxMachines: null, maxUses: null });
    expect(await licenseOf('place-0003')).toMatchObject({ policyId: fixed.id });
    await run('csv', lines('key,policy', 'place-0006,', 'place-0007,Extra'), ['--product', 'PLACED', '--policy', 'Team']);
    expect(await licenseOf('place-0006')).toMatchObject({ policyId: team.id });
    const extra = await licenseOf('place-0007');
    expect(extra).toMatchObject({ productId: product.id });
    expect(await get(`/policies/${extra.policyId}`)).toMatchObject({ name: 'Extra' });
  });

  test('are not made for licenses that are there already, wherever these are by now', async () => {
    await run('csv', lines('key,product,policy', 'moved-0001,Moved,Old'));
    const { productId, policyId } = await licenseOf('moved-0001');
    await tillkey.call('PATCH', `/api/v1/products/${productId}`, { body: { name: 'Renamed' } });
    await tillkey.call('PATCH', `/api/v1/policies/${policyId}`, { body: { name: 'New' } });
    const { code, said } = await run('csv', lines('key,product,policy,activations', 'moved-0001,Moved anew,Old,machine-0001', 'moved-0002,Renamed,New,'));
    expect([code, said]).toEqual([0, expect.stringMatching(/Imported into the test data: 1 licenses, 1 activations\. Already there: 1 licenses/)]);
    expect(said).not.toMatch(/ma[dk]e the/i);
    expect((await get('/products?limit=100')).map(({ name }: { name: string }) => name)).not.toContain('Moved anew');
  });

  test('hold: a fingerprint for one license of a policy is refused on another, and a policy that asks for heartbeats finds nobody dead', async () => {
    const product = await make('/products', { name: 'Strict', code: 'STRICT' });
    await make('/policies', { productId: product.id, name: 'one', fingerprintUniqueness: 'PER_POLICY', requireHeartbeat: true });
    const before = tillkey.clock.now();
    // The policy has asked for heartbeats for a day, of which the machine that comes in knows nothing.
    tillkey.clock.set(new Date(before.getTime() + 86_400_000));
    const activated = (id: string) => `"[{""fingerprint"": ""${id}"", ""createdAt"": ""2020-01-01""}]"`;
    const { refused } = await run('csv', lines('key,product,activations', `strict-0001,Strict,${activated('machine-0001')}`, `strict-0002,Strict,${activated('machine-0001')}`));
    expect(refused).toEqual([expect.stringMatching(/^3,…-0002,The same fingerprint is in line 2/)]);
    expect(await machinesOf('strict-0001')).toEqual([expect.objectContaining({ status: 'alive' })]);
    tillkey.clock.set(before);
    const later = await run('csv', lines('key,product,activations', `strict-0003,Strict,${activated('machine-0001')}`));
    expect(later.refused).toEqual([expect.stringMatching(/^2,…-0003,Another license has a machine with this fingerprint/)]);
  });
});

describe('Lemon Squeezy', () => {
  test('as its API lists it: keys work, instances keep their ids also over the limit, customers may take them off', async () => {
    const instances = Array.from({ length: 3 }, () => randomUUID());
    const document = {
      meta: { page: { currentPage: 1 } }, links: {},
      // Instances may come before their keys.
      included: [
        ...instances.map((identifier, n) => lsInstance(String(n), 1, identifier)), { type: 'products', id: '7', attributes: { name: 'Lemonade' } }, { type: 'orders', id: '1', attributes: {} },
        { type: 'order-items', id: '70', attributes: { product_name: 'Lemonade', variant_name: 'Team' } }, lsInstance('90', 99, randomUUID()), lsInstance('91', 1, 'tiny'),
      ],
      data: [lsKey('1', { key: '11111111-c796-436b-850c-8f9c98a48abe' }), lsKey('2', { key: '22222222-c796-436b-850c-8f9c98a48abe', disabled: 1 }), lsKey('3', { key: '33333333-c796-436b-850c-8f9c98a48abe', status: 'expired', expires_at: '2022-01-01T00:00:00.000000Z', activation_limit: null })],
    };
    const { code, refused } = await run('lemon-squeezy', JSON.stringify(document, null, 2));
    expect(code).toBe(1);
    expect(refused).toEqual([expect.stringMatching(/^\d+ license-key-instances\/91,…8abe,"?activation: fingerprint: Too small/), expect.stringMatching(/^\d+ license-key-instances\/90,.*its license is not in the file/)]);
    const license = await licenseOf('11111111-c796-436b-850c-8f9c98a48abe');
    expect(license).toMatchObject({ status: 'active', userEmail: 'darlene@example.com', userName: 'Darlene', maxMachines: 2, machineCount: 3, expiresAt: null, metadata: { imported: { from: 'lemon-squeezy', id: '1' } } });
    expect(await get(`/products/${license.productId}`)).toMatchObject({ name: 'Lemonade', code: 'LS-7' });
    expect(await get(`/policies/${license.policyId}`)).toMatchObject({ name: 'Team', allowMachineTransfer: true, maxMachines: null });
    for (const id of instances) expect(await get(`/machines/${id}`)).toMatchObject({ fingerprint: id, name: 'example.com', createdAt: '2022-11-14T11:45:39.000Z' });
    expect(await validate('11111111-c796-436b-850c-8f9c98a48abe', instances[2])).toMatchObject({ valid: true, machine: { id: instances[2] } });
    expect([await licenseOf('22222222-c796-436b-850c-8f9c98a48abe'), await licenseOf('33333333-c796-436b-850c-8f9c98a48abe')]).toMatchObject([{ status: 'suspended' }, { status: 'expired', maxMachines: null }]);
  });

  test('as pages, as JSON lines, in two files, and as a CSV', async () => {
    const pages = [{ data: [lsKey('11', { key: 'page-0001' })] }, { data: [lsKey('12', { key: 'page-0002' })], included: [lsInstance('1', 12, 'instance-0012')] }];
    expect(await run('lemon-squeezy', JSON.stringify(pages))).toMatchObject({ code: 0 });
    expect(await run('lemon-squeezy', lines(...[lsKey('13', { key: 'line-0001' }), lsInstance('3', 13, 'instance-0013'), { data: lsKey('14', { key: 'line-0002' }) }].map((one) => JSON.stringify(one))))).toMatchObject({ code: 0 });
    const keys = await run('lemon-squeezy', JSON.stringify([lsKey('15', { key: 'file-0001' })]), ['--dry-run']);
    const instances = await run('lemon-squeezy', JSON.stringify([lsInstance('5', '15', 'instance-0015')]), ['--dry-run']);
    expect(await importOn(tillkey, folder, [keys.path, instances.path], ['--from', 'lemon-squeezy', '--test'])).toMatchObject({ code: 0 });
    expect(await run('lemon-squeezy', lines('License Key,Status,Customer Email,Activation Limit,Product Name', 'dash-0001,inactive,dash@example.com,4,Lemonade'))).toMatchObject({ code: 0 });
    const found = await Promise.all(['page-0001', 'page-0002', 'line-0001', 'line-0002', 'file-0001', 'dash-0001'].map(licenseOf));
    expect(found.map(({ status, machineCount }) => [status, machineCount])).toEqual([['active', 0], ['active', 1], ['active', 1], ['active', 0], ['active', 1], ['active', 0]]);
    expect(found.at(-1)).toMatchObject({ maxMachines: 4 });
  });

  test('broken in the middle is imported up to there, and the rest is said by its line', async () => {
    const text = JSON.stringify([lsKey('21', { key: 'broken-0001' }), lsKey('22', { key: 'broken-0002' }), lsKey('23', { key: 'broken-0003' })]).replaceAll('},{', '},\n{');
    const { code, refused } = await run('lemon-squeezy', text.replace(/("key":"broken-0003")/, '$1 oops'));
    expect([code, refused]).toEqual([1, [expect.stringMatching(/^3,,.*broken here, and nothing after it was read/)]]);
    expect(await Promise.all(['broken-0001', 'broken-0002'].map(licenseOf))).toMatchObject([{ status: 'active' }, { status: 'active' }]);
    expect((await run('lemon-squeezy', text.slice(0, -20))).refused).toEqual([expect.stringMatching(/it ends in the middle/)]);
    expect((await run('lemon-squeezy', text)).said).toMatch(/Imported into the test data: 1 licenses[^]*Nothing was refused/);
    expect((await run('csv', 'key,name\nopen-0001,x\nopen-0002,"x\n')).refused).toEqual([expect.stringMatching(/^3,,.*broken here/)]);
    expect(await licenseOf('open-0001')).toBeDefined();
  });

  test('has an instance refused whose id is another machine already', async () => {
    const id = randomUUID();
    const { refused } = await run('lemon-squeezy', lines(...[lsKey('31', { key: 'taken-0001' }), lsKey('32', { key: 'taken-0002' }), lsInstance('31', 31, id), lsInstance('32', 32, id)].map((one) => JSON.stringify(one))));
    expect(refused).toEqual([expect.stringMatching(/^4 license-key-instances\/32,…-0002,The same id is in line 3 license-key-instances\/31 already/)]);
    const again = await run('lemon-squeezy', lines(...[lsKey('33', { key: 'taken-0003' }), lsInstance('33', 33, id)].map((one) => JSON.stringify(one))));
    expect(again.refused).toEqual([expect.stringMatching(/^2 license-key-instances\/33,…-0003,The id .* is another machine's already/)]);
  });
});

test('Keygen: licenses with their users, policies, products and machines, as its API lists them', async () => {
  const [product, policy, user, machine] = Array.from({ length: 4 }, () => randomUUID());
  const to = (type: string, id: string | undefined) => ({ data: { type, id } });
  const license = (key: string, attributes: object, owner?: object) => ({ type: 'licenses', id: randomUUID(), attributes: { name: 'A license', key, expiry: null, status: 'ACTIVE', uses: 4, suspended: false, maxMachines: 3, maxUses: 9, metadata: { tier: 1 }, created: '2020-01-01T00:00:00.000Z', ...attributes }, relationships: { product: to('products', product), policy: to('policies', policy), ...(owner && { owner }) } });
  const first = license('KG-0001-ABCDEF', { status: 'INACTIVE' }, to('users', user));
  const { code, said } = await run('keygen', JSON.stringify([
    { type: 'machines', id: machine, attributes: { fingerprint: 'aa:bb:cc:dd', name: 'Office', platform: 'macOS 15', hostname: 'mac', cores: 8, metadata: {}, created: '2023-03-03T00:00:00.000Z' }, relationships: { license: to('licenses', first.id) } },
    { data: [first, license('KG-0002-ABCDEF', { suspended: true }), license('KG-0003-ABCDEF', { status: 'BANNED' }), license('KG-0004-ABCDEF', { expiry: '2021-01-01T00:00:00.000Z', status: 'EXPIRED' }, to('users', randomUUID()))] },
    { data: [{ type: 'users', id: user, attributes: { email: 'kay@example.com', firstName: 'Kay', lastName: 'Gen' } }, { type: 'policies', id: policy, attributes: { name: 'Floating' } }, { type: 'products', id: product, attributes: { name: 'Keyed', code: 'keyed' } }] },
  ]));
  expect([code, said]).toEqual([0, expect.stringContaining('1 licenses name a user that no file lists, and come without a customer.')]);
  const imported = await licenseOf('KG-0001-ABCDEF');
  expect(imported).toMatchObject({ name: 'A license', status: 'active', userEmail: 'kay@example.com', userName: 'Kay Gen', maxMachines: 3, maxUses: 9, usesCount: 4, metadata: { tier: 1, imported: { from: 'keygen', id: first.id } } });
  expect(await get(`/products/${imported.productId}`)).toMatchObject({ name: 'Keyed', code: 'keyed' });
  expect(await get(`/policies/${imported.policyId}`)).toMatchObject({ name: 'Floating', allowMachineTransfer: false });
  expect(await get(`/machines/${machine}`)).toMatchObject({ fingerprint: 'aa:bb:cc:dd', name: 'Office', platform: 'macos', hostname: 'mac', cores: 8, createdAt: '2023-03-03T00:00:00.000Z' });
  expect((await Promise.all(['KG-0002-ABCDEF', 'KG-0003-ABCDEF', 'KG-0004-ABCDEF'].map(licenseOf))).map(({ status }) => status)).toEqual(['suspended', 'banned', 'expired']);
});

const numbered = (mark: string, length: number) =>
  lines('key,email,product,activations', ...Array.from({ length }, (_, n) => `${mark}-${n}-${randomUUID()},${mark}${n % 100}@example.com,${mark},${randomUUID()}`));

/** How many of each there are of a product. */
async function made(product: string) {
  const licenses = `licenses l join products p on p.id = l.product_id and p.name = '${product}'`;
  return {
    licenses: await count(licenses),
    machines: await count(`machines m join ${licenses} on l.id = m.license_id`),
    told: await count(`events e join ${licenses} on l.id = e.license_id where e.type = 'license.created'`),
    customers: await count(`customers where email like '${product}%'`),
    policies: await count(`policies o join products p on p.id = o.product_id and p.name = '${product}'`),
  };
}

test('an import that is killed in the middle goes on when it is started again: each of 2,000 licenses and activations is there once', async () => {
  const path = join(folder, 'killed.csv');
  await writeFile(path, numbered('killed', 2_000));
  const victim = spawnTillkey(['import', '--from', 'csv', '--test', path], { DATABASE_URL: tillkey.databaseUrl, TILLKEY_SECRET: 'a secret for tests, long enough to pass' });
  await until(async () => (await made('killed')).licenses > 0);
  await victim.end('SIGKILL');
  expect((await made('killed')).licenses).toBeLessThan(2_000);
  expect(await importOn(tillkey, folder, [path], ['--from', 'csv', '--test'])).toMatchObject({ code: 0 });
  expect(await made('killed')).toEqual({ licenses: 2_000, machines: 2_000, told: 2_000, customers: 100, policies: 1 });
}, 120_000);

test('two imports of one file at once make each license, customer, product and policy once', async () => {
  const text = numbered('twice', 700);
  expect((await Promise.all([run('csv', text), run('csv', text)])).map(({ code }) => code)).toEqual([0, 0]);
  expect(await made('twice')).toEqual({ licenses: 700, machines: 700, told: 700, customers: 100, policies: 1 });
  const { database, scopes } = tillkey.service.dependencies;
  const place = (policy: string) => placeLicenses({ database, scope: scopes[1]!, defaults: { product: null, policy: null }, allowMachineTransfer: false, dryRun: false, now: () => new Date() })
    .place({ product: { code: null, name: 'twice', named: true }, policy: { code: null, name: policy, named: true } });
  const placed = await Promise.all(Array.from({ length: 8 }, () => place('raced')));
  expect(new Set(placed.map((one) => one.ok && one.policyId)).size).toBe(1);
}, 60_000);
