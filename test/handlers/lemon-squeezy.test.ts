import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { activateLicense, deactivateLicense, validateLicense } from '@lemonsqueezy/lemonsqueezy.js';
import { lemonSqueezy } from '../../src/handlers/compat/lemon-squeezy.ts';
import { asker, type Asked, type Heard } from '../support/ask.ts';
import { createCatalog } from '../support/catalog.ts';
import { undocumented } from '../support/documented.ts';
import { activate, createLicense, createPolicy, validate } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { LIVE_KEY, startTestService, testClock, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, unix } from '../support/webhook.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

const clock = testClock();
const DAY_MS = 86_400_000;
const daysOn = (days: number) => clock.set(new Date(clock.now().getTime() + days * DAY_MS));
const { fetch } = globalThis;

let tillkey: TestService;
let ask: (asked: Asked) => Promise<Heard>;
let close: () => void;
beforeAll(async () => {
  tillkey = await startTestService({ clock, environment: { RATE_LIMIT_ACTIVATE: '0' } });
  ({ ask, close } = asker(tillkey.url));
  // The client's base URL is a constant: what it sends there goes to the service as it is.
  globalThis.fetch = (input, init) => {
    const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(origin === 'https://api.lemonsqueezy.com' ? `${tillkey.url}${pathname}${search}` : input, init);
  };
});
afterAll(async () => {
  globalThis.fetch = fetch;
  close();
  await tillkey.stop();
});

type Verb = 'activate' | 'validate' | 'deactivate';
const flags = { activate: 'activated', validate: 'valid', deactivate: 'deactivated' } as const;
const FORM = 'application/x-www-form-urlencoded';

const send = (verb: string, body: string | Buffer | undefined, type: string | null = FORM) =>
  ask({ method: 'POST', path: `/v1/licenses/${verb}`, headers: { accept: 'application/json', ...(type !== null && { 'content-type': type }) }, ...(body !== undefined && { body }) });

/** Sends a form, and holds what is no failure of the request itself against the schema of its route. */
async function form(verb: Verb, fields: Record<string, string>): Promise<Heard> {
  const heard = await send(verb, new URLSearchParams(fields).toString());
  if (heard.body.license_key) expect(notAsDocumented(verb, heard)).toBeNull();
  return heard;
}

function notAsDocumented(verb: Verb, heard: Heard): string | null {
  const route = lemonSqueezy(tillkey.service.dependencies).routes.find(({ path }) => path === `/v1/licenses/${verb}`)!;
  return undocumented(route, { ...heard, status: heard.status === 400 ? 200 : heard.status });
}

const activateHere = async (license: { key: string }, name = 'Desk') => (await form('activate', { license_key: license.key, instance_name: name })).body;
const validateHere = async (license: { key: string }, instance_id = '') => (await form('validate', { license_key: license.key, instance_id })).body;
const machinesOf = async ({ id }: { id: string }) => (await tillkey.call('GET', `/api/v1/machines?licenseId=${id}`)).body.data;
const act = (license: { id: string }, action: string) => tillkey.call('POST', `/api/v1/licenses/${license.id}/${action}`, { body: {} });
const query = (statement: string, values: unknown[] = []) => tillkey.service.dependencies.database.em.fork().execute<any[]>(statement, values);

const stamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
const whole = expect.any(Number);
const UNKNOWN_UUID = '01a1fc5f-156a-700f-9e5a-c932c4081e34';

describe('the official client', () => {
  test('activates, validates with and without an instance, and deactivates', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3, allowMachineTransfer: true }, license: { userEmail: 'jo@example.com', userName: 'Jo', expiresAt: '2031-01-01T00:00:00Z' } });
    const meta = {
      store_id: whole, order_id: null, order_item_id: null, product_id: whole, product_name: 'Acme Pro', variant_id: whole, variant_name: 'Pro',
      customer_id: whole, customer_name: 'Jo', customer_email: 'jo@example.com',
    };
    const license_key = { id: whole, status: 'active', key: license.key, activation_limit: 3, activation_usage: 1, created_at: stamp, expires_at: '2031-01-01T00:00:00.000000Z', test_mode: true };
    const unused = { ...license_key, status: 'inactive', activation_usage: 0 };

    expect(await validateLicense(license.key)).toEqual({ statusCode: 200, error: null, data: { valid: true, error: null, license_key: unused, instance: null, meta } });
    const activated = await activateLicense(license.key, 'Desk');
    const instance = { id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: 'Desk', created_at: stamp };
    expect(activated).toEqual({ statusCode: 200, error: null, data: { activated: true, error: null, license_key, instance, meta } });
    const { id } = activated.data!.instance!;
    expect(await validateLicense(license.key, id)).toEqual({ statusCode: 200, error: null, data: { valid: true, error: null, license_key, instance: activated.data!.instance, meta } });
    expect(await validateLicense(license.key)).toMatchObject({ data: { valid: true, instance: null } });
    expect(await deactivateLicense(license.key, id)).toEqual({ statusCode: 200, error: null, data: { deactivated: true, error: null, license_key: unused, meta } });
    expect(await validateLicense(license.key, id)).toMatchObject({ statusCode: 404, data: { valid: false, error: 'instance_id not found.' } });
  });

  const failure = (status: number, sentence: string, data: object) => ({ statusCode: status, data, error: expect.objectContaining({ name: 'Lemon Squeezy Error', cause: sentence }) });

  test('reads a key and an instance that there are not', async () => {
    const license = await createLicense(tillkey, { policy: { allowMachineTransfer: true } });
    const other = await activateHere(await createLicense(tillkey));
    for (const key of ['no such key', license.key.replace(/.$/, (last: string) => (last === '0' ? '1' : '0')), '38b1460a-5104-4067-a91d-77b872934d51']) {
      expect(await activateLicense(key, 'Desk')).toEqual(failure(404, 'license_key not found.', { activated: false, error: 'license_key not found.' }));
      expect(await validateLicense(key)).toEqual(failure(404, 'license_key not found.', { valid: false, error: 'license_key not found.' }));
      expect(await deactivateLicense(key, UNKNOWN_UUID)).toEqual(failure(404, 'license_key not found.', { deactivated: false, error: 'license_key not found.' }));
    }
    for (const id of [UNKNOWN_UUID, 'inst-1', other.instance.id, 'x'.repeat(200)]) {
      expect(await validateLicense(license.key, id)).toEqual(failure(404, 'instance_id not found.', { valid: false, error: 'instance_id not found.' }));
      expect(await deactivateLicense(license.key, id)).toEqual(failure(404, 'instance_id not found.', { deactivated: false, error: 'instance_id not found.' }));
    }
  });

  test.each(['suspend', 'revoke', 'ban'])('reads a license that its vendor did %s as disabled', async (action) => {
    const license = await createLicense(tillkey);
    const { instance, license_key, meta } = await activateHere(license);
    await act(license, action);
    const sentence = 'This license key is disabled.';
    const shown = { error: sentence, license_key: { ...license_key, status: 'disabled' }, meta };
    expect(await activateLicense(license.key, 'Lap')).toEqual(failure(400, sentence, { activated: false, ...shown, instance: null }));
    expect(await validateLicense(license.key)).toEqual(failure(400, sentence, { valid: false, ...shown, instance: null }));
    expect(await validateLicense(license.key, instance.id)).toEqual(failure(400, sentence, { valid: false, ...shown, instance }));
  });

  test('reads an expired license, and one at its limit', async () => {
    const expired = await createLicense(tillkey, { license: { expiresAt: '2026-01-01T00:00:00Z' } });
    for (const answer of [await activateLicense(expired.key, 'Desk'), await validateLicense(expired.key)]) {
      expect(answer).toEqual(failure(400, 'This license key is expired.', expect.objectContaining({ license_key: expect.objectContaining({ status: 'expired', expires_at: '2026-01-01T00:00:00.000000Z' }), instance: null })));
    }
    const full = await createLicense(tillkey, { policy: { maxMachines: 1 } });
    const { license_key, meta } = await activateHere(full);
    const sentence = 'This license key has reached the activation limit.';
    expect(await activateLicense(full.key, 'Lap')).toEqual(failure(400, sentence, { activated: false, error: sentence, license_key, instance: null, meta }));
  });

  test('reads a field that is not right', async () => {
    const { key } = await createLicense(tillkey);
    const required = { instance_name: ['The instance name field is required.'] };
    expect(await activateLicense(key, '  ')).toEqual({ ...failure(422, '', { message: 'The instance name field is required.', errors: required }), error: expect.objectContaining({ cause: required }) });
  });
});

describe('a license bought through Stripe', () => {
  test('is usable at once, and goes through the same states as natively', async () => {
    await createCatalog(tillkey, { stripePriceId: 'price_ls', policy: { maxMachines: 2, allowMachineTransfer: true } });
    const { events, subscription, invoice } = firstMonth({ n: 6, price: 'price_ls', email: 'buyer@example.com' });
    const tell = async (...told: ReturnType<typeof event>[]) => {
      for (const each of told) {
        expect((await deliver(tillkey.url, each)).status).toBe(200);
        await tillkey.settled();
      }
    };
    await tell(...events);
    const [license] = (await tillkey.call('GET', '/api/v1/licenses?stripeSubscriptionId=sub_6')).body.data;
    const { instance, license_key, meta } = await activateHere(license);
    expect(license_key).toMatchObject({ status: 'active', activation_limit: 2, activation_usage: 1, key: license.key });
    expect(meta).toMatchObject({ order_id: whole, order_item_id: license_key.id, customer_name: 'Jo', customer_email: 'buyer@example.com' });
    expect(await activateHere(license, 'Lap')).toMatchObject({ activated: true });
    expect(await activateHere(license, 'Third')).toMatchObject({ activated: false, error: 'This license key has reached the activation limit.', license_key: { activation_usage: 2 } });

    const here = async () => {
      const { valid, error, license_key: { status } } = await validateHere(license, instance.id);
      return [(await validate(tillkey, license)).code, valid, status, error];
    };
    const [good, disabled] = [['VALID', true, 'active', null], (code: string) => [code, false, 'disabled', 'This license key is disabled.']];
    expect(await here()).toEqual(good);
    await act(license, 'suspend');
    expect(await here()).toEqual(disabled('SUSPENDED'));
    await act(license, 'reinstate');
    expect(await here()).toEqual(good);

    const owed = { ...invoice, id: 'in_6_2', status: 'open', billing_reason: 'subscription_cycle' };
    await tell(event('invoice.payment_failed', owed, { created: unix() + 1 }), event('customer.subscription.updated', { ...subscription, status: 'past_due' }, { created: unix() + 2 }));
    const { billing } = (await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data;
    expect([billing.state, await here()]).toEqual(['GRACE', good]);
    const before = clock.now();
    clock.set(new Date(billing.graceEndsAt));
    expect(await here()).toEqual(disabled('SUSPENDED'));
    clock.set(before);
    await tell(event('customer.subscription.deleted', { ...subscription, status: 'canceled', ended_at: unix() - 60 }, { created: unix() + 3 }));
    expect(await here()).toEqual(['EXPIRED', false, 'expired', 'This license key is expired.']);
  });

  test('whose payment was refunded is disabled', async () => {
    const { policyId } = await createCatalog(tillkey, { stripePriceId: 'price_once' });
    const session = { id: 'cs_once', mode: 'payment', payment_status: 'paid', payment_intent: 'pi_once', customer: null, amount_total: 900, customer_details: { email: 'once@example.com', name: null }, line_items: { data: [{ id: 'li_once', quantity: 1, price: { id: 'price_once', product: 'prod_1' } }] } };
    await deliver(tillkey.url, event('checkout.session.completed', session));
    await tillkey.settled();
    const [license] = (await tillkey.call('GET', `/api/v1/licenses?policyId=${policyId}`)).body.data;
    expect(await validateHere(license)).toMatchObject({ valid: true, license_key: { status: 'inactive', activation_limit: null } });
    await deliver(tillkey.url, event('charge.refunded', { id: 'ch_once', payment_intent: 'pi_once', amount: 900, amount_refunded: 900, refunded: true }, { created: unix() + 2 }));
    await tillkey.settled();
    expect(await validateHere(license)).toMatchObject({ valid: false, error: 'This license key is disabled.', license_key: { status: 'disabled' } });
  });
});

describe('an instance', () => {
  test('activated here is a machine, and a machine activated natively is an instance', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3 } });
    const { instance } = await activateHere(license);
    const native = (await activate(tillkey, license, 'fingerprint-1', { name: 'Server' })).body.data;
    const [, machine] = await machinesOf(license);
    expect(machine).toMatchObject({ id: instance.id, name: 'Desk', fingerprint: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await validate(tillkey, license, { fingerprint: machine.fingerprint })).toMatchObject({ code: 'VALID', machine: { id: instance.id } });
    expect(await validateHere(license, native.id)).toMatchObject({ valid: true, instance: { id: native.id, name: 'Server' }, license_key: { activation_usage: 2 } });
    await tillkey.call('DELETE', `/api/v1/machines/${instance.id}`);
    expect(await validateHere(license, instance.id)).toEqual({ valid: false, error: 'instance_id not found.' });
    const nameless = (await activate(tillkey, license, 'fingerprint-2')).body.data;
    expect(await validateHere(license, nameless.id)).toMatchObject({ valid: true, instance: { name: '' } });
  });

  test('of the same name is another one: each activation takes a slot', async () => {
    const license = await createLicense(tillkey);
    const [one, other] = [await activateHere(license), await activateHere(license)];
    expect(one.instance.id).not.toBe(other.instance.id);
    expect(other.license_key.activation_usage).toBe(2);
  });

  test('that was activated here may be given up, whatever the policy and the state of the license', async () => {
    const license = await createLicense(tillkey);
    const { instance } = await activateHere(license);
    await act(license, 'suspend');
    expect(await form('deactivate', { license_key: license.key, instance_id: instance.id })).toMatchObject({ status: 200, body: { deactivated: true, license_key: { activation_usage: 0, status: 'disabled' } } });
  });

  test('that is a machine of a native app is deactivated only where the policy lets customers transfer', async () => {
    for (const [policy, may] of [[{}, false], [{ allowMachineTransfer: true }, true], [{ floating: true }, true]] as const) {
      const license = await createLicense(tillkey, { policy });
      const machine = (await tillkey.call('POST', '/api/v1/machines', { body: { licenseId: license.id, fingerprint: 'native-fingerprint' } })).body.data;
      const heard = await form('deactivate', { license_key: license.key, instance_id: machine.id });
      expect([heard.status, heard.body.deactivated, 'instance' in heard.body, heard.body.license_key.activation_usage]).toEqual(may ? [200, true, false, 0] : [400, false, false, 1]);
      if (!may) expect(heard.body.error).toContain('allowMachineTransfer');
      expect(await machinesOf(license)).toHaveLength(may ? 0 : 1);
    }
  });

  test('that sent no heartbeat for too long is told so', async () => {
    const license = await createLicense(tillkey, { policy: { requireHeartbeat: true, heartbeatCullStrategy: 'KEEP_DEAD' } });
    const { instance } = await activateHere(license);
    const before = clock.now();
    daysOn(1);
    expect(await validateHere(license, instance.id)).toMatchObject({ valid: false, error: expect.stringContaining('heartbeat'), instance: { id: instance.id }, license_key: { status: 'active' } });
    clock.set(before);
  });

  test('that is deactivated while it is validated is not found', async () => {
    const license = await createLicense(tillkey, { policy: { requireFingerprint: false } });
    const { instance } = await activateHere(license);
    await withRival(tillkey.databaseUrl, async ({ run, untilStuck, commitOnce }) => {
      await run('lock table customers in access exclusive mode');
      const asked = validateHere(license, instance.id);
      await untilStuck(asked);
      await run('update machines set deleted_at = now() where id = $1', [instance.id]);
      expect(await commitOnce(asked)).toEqual({ valid: false, error: 'instance_id not found.' });
    });
  });
});

describe('a license', () => {
  test('of ten activations at once against a limit of three gets three, each told how many there are with it', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 3 } });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => activateHere(license, `Desk ${n}`)));
    expect(answers.filter(({ activated }) => activated).map(({ license_key }) => license_key.activation_usage).sort()).toEqual([1, 2, 3]);
    expect(answers.filter(({ error }) => error === 'This license key has reached the activation limit.')).toHaveLength(7);
    expect(await machinesOf(license)).toHaveLength(3);
  });

  test('has the same whole numbers whenever it is asked, and its own', async () => {
    const policy = await createPolicy(tillkey);
    const [one, other] = [await createLicense(tillkey, { policyId: policy.id, license: { userEmail: 'same@example.com' } }), await createLicense(tillkey, { policyId: policy.id, license: { userEmail: 'same@example.com' } })];
    const ids = async (license: { key: string }) => {
      const { license_key, meta } = await validateHere(license);
      return { own: license_key.id, shared: [meta.store_id, meta.product_id, meta.variant_id, meta.customer_id] };
    };
    const [first, second] = [await ids(one), await ids(other)];
    await activateHere(one);
    await act(one, 'rotate-key');
    const { key } = (await tillkey.call('GET', `/api/v1/licenses/${one.id}`)).body.data;
    expect(await ids({ key })).toEqual(first);
    expect(second.shared).toEqual(first.shared);
    expect(second.own).not.toBe(first.own);
    expect([...first.shared, first.own].every(Number.isInteger)).toBe(true);
  });

  test('of test data says so, and one of live data does not', async () => {
    const live = { call: (method: any, path: string, options: object) => tillkey.call(method, path, { key: LIVE_KEY, ...options }) };
    const [testOne, liveOne] = [await validateHere(await createLicense(tillkey)), await validateHere(await createLicense(live))];
    expect([testOne, liveOne].map(({ license_key }) => license_key.test_mode)).toEqual([true, false]);
    expect(testOne.meta.store_id).not.toBe(liveOne.meta.store_id);
  });

  test('whose imported key two accounts have is whose had it first, however it is asked', async () => {
    const key = 'OLD-KEY-OF-TWO-ACCOUNTS';
    const theirs = await insertApiKey(tillkey, await insertAccount(tillkey));
    const call: TestService['call'] = (method, path, options = {}) => tillkey.call(method, path, { key: theirs, ...options });
    const first = await createLicense({ call }, { license: { key, name: 'first' } });
    await createLicense(tillkey, { license: { key, name: 'second' } });
    await activateHere({ key });
    expect((await validate(tillkey, { key }, { fingerprint: 'a-laptop-of-theirs' })).license.name).toBe('first');
    expect((await call('GET', `/api/v1/licenses/${first.id}`)).body.data.machineCount).toBe(1);
  });

  test('that expired stays valid where its policy allows access', async () => {
    const license = await createLicense(tillkey, { policy: { expirationStrategy: 'ALLOW_ACCESS' }, license: { expiresAt: '2026-01-01T00:00:00Z' } });
    expect(await activateHere(license)).toMatchObject({ activated: true, license_key: { status: 'expired' } });
    expect(await validateHere(license)).toMatchObject({ valid: true, error: null, license_key: { status: 'expired' } });
  });

  test('counts the uses of validations here, and tells of each', async () => {
    const license = await createLicense(tillkey, { policy: { maxUses: 2 } });
    const { instance } = await activateHere(license);
    expect([(await validateHere(license)).valid, (await validateHere(license, instance.id)).valid]).toEqual([true, true]);
    expect(await validateHere(license, instance.id)).toMatchObject({ valid: false, error: 'The license has no uses left.', license_key: { status: 'active' } });
    expect(await validate(tillkey, license, { fingerprint: (await machinesOf(license))[0].fingerprint })).toMatchObject({ code: 'USES_EXCEEDED' });
    await tillkey.service.dependencies.validations.flush();
    expect((await tillkey.call('GET', `/api/v1/licenses/${license.id}`)).body.data).toMatchObject({ usesCount: 2, lastValidatedAt: clock.now().toISOString() });
  });

  test('is judged by the test clock where that is ahead', async () => {
    const license = await createLicense(tillkey, { license: { expiresAt: new Date(clock.now().getTime() + DAY_MS).toISOString() } });
    expect(await validateHere(license)).toMatchObject({ valid: true });
    await tillkey.call('PUT', '/api/v1/test-clock', { body: { now: new Date(clock.now().getTime() + 2 * DAY_MS).toISOString() } });
    expect(await activateHere(license)).toMatchObject({ activated: false, license_key: { status: 'expired' } });
    expect(await validateHere(license)).toMatchObject({ valid: false, license_key: { status: 'expired' } });
    await tillkey.call('DELETE', '/api/v1/test-clock');
  });
});

describe('a request', () => {
  test('means the same as a form, as JSON, as a JSON:API document, and with its fields in the query', async () => {
    const { key } = await createLicense(tillkey);
    const fields = { license_key: ` ${key.toLowerCase()} `, instance_name: 'Küche & Büro', instance_id: '' };
    const [asForm, asJson] = [new URLSearchParams(fields).toString(), JSON.stringify(fields)];
    const ways: [string, string | undefined, string | null][] = [
      ['', asForm, FORM], ['', asForm, `${FORM}; charset=utf-8`], ['', asJson, 'application/json'], ['', asJson, 'application/vnd.api+json'], [`?${asForm}`, undefined, null], [`?${asForm}`, undefined, FORM],
      [`?${new URLSearchParams({ license_key: 'another' }).toString()}`, asForm, FORM],
    ];
    for (const [query, body, type] of ways) {
      const heard = await send(`activate${query}`, body, type);
      expect([heard.status, heard.body.instance?.name, heard.body.license_key?.key]).toEqual([200, 'Küche & Büro', key]);
      expect((await send(`validate${query}`, body, type)).body).toMatchObject({ valid: true, instance: null });
    }
    expect((await send('validate', JSON.stringify({ license_key: key, instance_id: null, more: [1] }), 'application/json')).body).toMatchObject({ valid: true, instance: null });
  });

  const [KEY, NAME, ID] = ['license_key', 'instance_name', 'instance_id'].map((name) => `The ${name.replace('_', ' ')} field`);
  const json = 'application/json';
  test.each<[string, Verb, string | undefined, string | null, Record<string, string>]>([
    ['nothing', 'activate', undefined, null, { license_key: `${KEY} is required.`, instance_name: `${NAME} is required.` }],
    ['an empty form', 'deactivate', '', FORM, { license_key: `${KEY} is required.`, instance_id: `${ID} is required.` }],
    ['an empty list', 'validate', '[]', json, { license_key: `${KEY} is required.` }],
    ['a list of requests', 'validate', '[{"license_key":"a"}]', json, { license_key: `${KEY} is required.` }],
    ['nulls', 'activate', '{"license_key":null,"instance_name":null}', json, { license_key: `${KEY} is required.`, instance_name: `${NAME} is required.` }],
    ['a key of another type', 'validate', '{"license_key":1}', json, { license_key: `${KEY} must be a string.` }],
    ['a key that is an object', 'validate', '{"license_key":{"a":"b"}}', json, { license_key: `${KEY} must be a string.` }],
    ['a name of another type', 'activate', '{"license_key":"a","instance_name":["b"]}', json, { instance_name: `${NAME} must be a string.` }],
    ['an instance of another type', 'validate', '{"license_key":"a","instance_id":7}', json, { instance_id: `${ID} must be a string.` }],
    ['a nested form', 'validate', 'license_key[a]=b', FORM, { license_key: `${KEY} is required.` }],
    ['a field twice', 'validate', 'license_key=a&license_key=b', FORM, { license_key: `${KEY} must be a string.` }],
    ['a field twice in the query', 'validate', undefined, null, { license_key: `${KEY} must be a string.` }],
    ['a key of 300 letters', 'validate', `license_key=${'x'.repeat(300)}`, FORM, { license_key: `${KEY} must not be greater than 255 characters.` }],
    ['a name of 100 KB', 'activate', `license_key=a&instance_name=${'x'.repeat(100_000)}`, FORM, { instance_name: `${NAME} must not be greater than 255 characters.` }],
    ['a NUL', 'validate', 'license_key=a%00b', FORM, { license_key: 'Contains a NUL or broken Unicode.' }],
    ['a NUL in JSON', 'activate', '{"license_key":"a","instance_name":"b\\u0000"}', json, { instance_name: 'Contains a NUL or broken Unicode.' }],
    ['a lone surrogate', 'validate', '{"license_key":"\\ud83d"}', json, { license_key: 'Contains a NUL or broken Unicode.' }],
    ['a NUL in a name', 'validate', 'a%00=b', FORM, { body: 'Contains a NUL or broken Unicode.' }],
    ['100 levels', 'validate', `{"license_key":${'['.repeat(100)}${']'.repeat(100)}}`, json, { license_key: 'Nested deeper than 32 levels.' }],
    ['a JSON body said to be a form', 'validate', '{"license_key":"a"}', FORM, { license_key: `${KEY} is required.` }],
  ])('with %s is refused field by field', async (title, verb, body, type, faults) => {
    const [first = '', ...rest] = Object.values(faults);
    const message = rest.length === 0 ? first : `${first} (and ${rest.length} more error)`;
    const errors = Object.fromEntries(Object.entries(faults).map(([field, sentence]) => [field, [sentence]]));
    const heard = await send(`${verb}${title.endsWith('in the query') ? '?license_key=a&license_key=b' : ''}`, body, type);
    expect([heard.status, heard.body]).toEqual([422, { message, errors }]);
  });

  test.each<[string, number, string | Buffer, string]>([
    ['broken JSON', 400, '{"license_key":', json],
    ['a text for a body', 400, '"license_key"', json],
    ['more fields than anybody has', 413, 'a&'.repeat(2_000), FORM],
    ['a body of 2 MB', 413, `license_key=${'x'.repeat(2_000_000)}`, FORM],
    ['another type', 415, 'license_key=a', 'text/plain'],
    ['another charset', 415, 'license_key=a', `${FORM}; charset=utf-32`],
    ['no type', 415, 'license_key=a', ''],
  ])('with %s is refused with %i and the flag', async (_title, status, body, type) => {
    for (const verb of ['activate', 'validate', 'deactivate'] as const) {
      const heard = await send(verb, body, type);
      expect([heard.status, heard.body]).toEqual([status, { [flags[verb]]: false, error: expect.any(String), message: heard.body.error }]);
    }
  });

  test('to a path that there is not, or with another method, is answered as JSON', async () => {
    for (const path of ['/v1', '/v1/licenses', '/v1/licenses/validate/x', '/v1/license-keys', '/v1/licenses/toString', '/v1/licenses/constructor', '/v1/licenses/__proto__']) {
      const heard = await ask({ method: 'POST', path });
      expect([heard.status, heard.body]).toEqual([404, { error: 'Not found.', message: 'Not found.' }]);
    }
    for (const path of ['/v1/licenses/validate', '/V1/Licenses/Validate/']) {
      const heard = await ask({ method: 'GET', path });
      expect([heard.status, heard.headers['allow'], heard.body]).toEqual([405, 'OPTIONS, POST', { valid: false, error: expect.any(String), message: heard.body.error }]);
    }
  });

  test('beyond its limit is answered 429, each call by its own', async () => {
    const environment = { RATE_LIMIT_ACTIVATE: '1', RATE_LIMIT_VALIDATE: '2', RATE_LIMIT_OTHER: '3' };
    const limited = await startTestService({ role: 'web', databaseUrl: tillkey.databaseUrl, environment });
    for (const [verb, limit] of [['activate', 1], ['validate', 2], ['deactivate', 3]] as const) {
      const ask = () => fetch(`${limited.url}/v1/licenses/${verb}`, { method: 'POST' });
      for (let n = 0; n < limit; n += 1) expect((await ask()).status).toBe(422);
      const refused = await ask();
      const error = expect.stringContaining('Too many requests.');
      expect([refused.status, Number(refused.headers.get('retry-after')) > 0, await refused.json()]).toEqual([429, true, { [flags[verb]]: false, error, message: error }]);
    }
    await limited.stop();
  });

  test('that we fail is answered 500, and an activation that nobody was told of takes no slot', async () => {
    const license = await createLicense(tillkey, { policy: { maxMachines: 1, allowMachineTransfer: true } });
    const { instance } = await activateHere(license);
    await query('alter table products rename column number to moved_away');
    const sorry = 'Something went wrong on our side.';
    for (const [verb, fields] of [['deactivate', { instance_id: instance.id }], ['validate', {}], ['activate', { instance_name: 'Desk' }]] as const) {
      const heard = await form(verb, { license_key: license.key, ...fields });
      expect([heard.status, heard.body]).toEqual([500, { [flags[verb]]: false, error: sorry, message: sorry }]);
    }
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { maxMachinesOverride: 2 } });
    expect((await form('activate', { license_key: license.key, instance_name: 'Lap' })).status).toBe(500);
    await query('alter table products rename column moved_away to number');
    expect((await machinesOf(license)).map(({ id }: { id: string }) => id)).toEqual([instance.id]);
  });
});
