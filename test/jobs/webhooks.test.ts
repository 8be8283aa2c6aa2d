import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { giveUpIfClosed } from '../../src/deliveries.ts';
import { deliverNext } from '../../src/jobs/deliver-webhooks.ts';
import { takeUpUnfinished } from '../../src/jobs/sweep.ts';
import { createWebhookLanes } from '../../src/jobs/webhook-lanes.ts';
import { createWebhookClient } from '../../src/webhook-client.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startTestService, testClock, type TestService } from '../support/service.ts';

/** A service whose queue is lost: what is due is delivered when a test says so. */
const TIMEOUT_MS = 300;
const clock = testClock();
let tillkey: TestService;
let receiver: Receiver;
let enqueued: { queue: string; payload: any; delayMs: number }[];
let endpoint: { id: string; secret: string };
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', clock });
});
afterAll(() => tillkey.stop());
beforeEach(async () => {
  [receiver, enqueued] = [await startReceiver(), []];
  endpoint = (await tillkey.call('POST', '/api/v1/webhooks', { body: { url: receiver.url } })).body.data;
});
afterEach(async () => {
  await tillkey.call('DELETE', `/api/v1/webhooks/${endpoint.id}`);
  await receiver.close();
});

const queues = { enqueue: async (queue: string, payload: object, delayMs = 0) => void enqueued.push({ queue, payload, delayMs }) };
const client = (settings = {}) => createWebhookClient({ allowPrivate: true, timeoutMs: TIMEOUT_MS, ...settings });
const jobs = (settings = {}) => ({ ...tillkey.service.dependencies, queues, webhookClient: client(settings) });
const deliver = (settings = {}) => deliverNext(jobs(settings), endpoint.id, () => undefined);
let people = 0;
const makeEvent = () => tillkey.call('POST', '/api/v1/customers', { body: { email: `someone-${(people += 1)}@example.com` } });
const later = (ms: number) => clock.set(new Date(clock.now().getTime() + ms));
const deliveries = async () => (await tillkey.call('GET', `/api/v1/webhooks/${endpoint.id}/deliveries`)).body.data;
const newest = async () => (await deliveries())[0];
const shown = async () => (await tillkey.call('GET', `/api/v1/webhooks/${endpoint.id}`)).body.data;
const redeliver = async (id: string) => tillkey.call('POST', `/api/v1/webhook-deliveries/${id}/redeliver`);
const answerWith = (status: number, headers: Record<string, string> = {}, body: string | Buffer = '') => receiver.answers((response) => response.writeHead(status, headers).end(body));
const messages = () => tillkey.service.dependencies.database.em.fork().execute<any[]>(`select recipient, data from messages where kind = 'endpoint_disabled' and data ->> 'endpointId' = '${endpoint.id}'`);

describe('an attempt', () => {
  test.each([200, 201, 204, 299])('answered %d is a success, and the log says what came', async (status) => {
    await makeEvent();
    answerWith(status, { 'content-type': 'text/plain' }, status === 204 ? '' : 'thank you');
    expect([await deliver(), await deliver()]).toEqual([true, false]);
    expect(await newest()).toMatchObject({ status: 'succeeded', attempts: 1, nextAttemptAt: null, responseStatus: status, responseExcerpt: status === 204 ? '' : 'thank you', error: null, durationMs: expect.any(Number), deliveredAt: expect.any(String) });
  });

  test.each([301, 302, 307, 308, 400, 404, 500, 503])('answered %d fails, and a redirect is not followed', async (status) => {
    await makeEvent();
    answerWith(status, { location: `${receiver.url}/elsewhere` }, 'no');
    await deliver();
    expect(await newest()).toMatchObject({ status: 'pending', attempts: 1, responseStatus: status, responseExcerpt: 'no', error: expect.stringContaining(`answered ${status}`) });
    expect(receiver.hooks.map(({ path }) => path)).toEqual(['/hooks']);
  });

  test.each<[string, () => void]>([
    ['no answer', () => receiver.answers(() => undefined)],
    ['a body that never ends', () => receiver.answers((response) => {
      response.writeHead(200).write('a');
      const drip = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(drip));
    })],
  ])('with %s ends after its time, and has failed', async (_title, mute) => {
    await makeEvent();
    mute();
    await deliver();
    expect(await newest()).toMatchObject({ status: 'pending', attempts: 1, responseStatus: null, error: 'no whole answer within 0.3 s' });
  });

  test('that nobody takes or that is cut off fails, and says why', async () => {
    await makeEvent();
    receiver.answers((response) => response.destroy());
    await deliver();
    expect((await newest()).error).toMatch(/hang up|ECONNRESET|aborted/);
    for (const [cutOff, error] of [[(response: ServerResponse) => response.writeHead(101, { connection: 'upgrade', upgrade: 'x' }).end(), 'without an answer'], [(response: ServerResponse) => response.writeHead(200, { 'content-length': 9 }).write('a', () => response.destroy()), 'aborted']] as const) {
      later(3_600_000);
      receiver.answers(cutOff);
      await deliver();
      expect((await newest()).error).toContain(error);
    }
    const { id } = await newest();
    await redeliver(id);
    await receiver.close();
    await deliver();
    expect(await newest()).toMatchObject({ attempts: 1, error: expect.stringContaining('ECONNREFUSED') });
    receiver = await startReceiver();
  });

  test.each<[string, string | undefined, Buffer, string]>([
    ['NULs', undefined, Buffer.from('a\0b'), 'a\ufffdb'], ['bytes that are no text', undefined, Buffer.from([0xff, 0xfe, 0x41, 0xc3]), '\ufffd\ufffdA'], ['Latin-1', 'text/plain; charset=iso-8859-1', Buffer.from([0xe9]), 'é'],
    ['a charset nobody knows', 'text/plain; charset=klingon', Buffer.from('é'), 'é'], ['a letter cut in two', undefined, Buffer.from(`${'a'.repeat(1023)}é`), 'a'.repeat(1023)], ['a megabyte', undefined, Buffer.alloc(1 << 20, 'x'), 'x'.repeat(1024)],
  ])('answered with %s keeps its first kilobyte as text', async (_title, type, body, excerpt) => {
    await makeEvent();
    answerWith(200, type === undefined ? {} : { 'content-type': type }, body);
    await deliver();
    expect(await newest()).toMatchObject({ status: 'succeeded', responseExcerpt: excerpt });
  });
});

describe('an answer', () => {
  /** A server that speaks no further than to this. */
  const post = async (say: (socket: Socket) => void) => {
    const server = createServer((socket) => void socket.on('error', () => undefined).once('data', () => say(socket))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return client({ timeoutMs: 10_000 }).post({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}' }).finally(() => server.close());
  };

  test('204 with a body it may not have counts all the same', async () => {
    expect(await post((socket) => socket.end('HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'))).toEqual({ status: 204, excerpt: '' });
  });

  test('may be announced, but not for ever: a flood of interim answers is cut off', async () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\n';
    expect(await post((socket) => socket.end(`${interim.repeat(10)}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`))).toEqual({ status: 200, excerpt: 'ok' });
    expect(await post((socket) => socket.write(interim.repeat(11)))).toEqual({ error: 'more than 10 interim answers' });
  });
});

describe('a delivery that fails', () => {
  test('is tried ten times over three days, the same bytes under the same id, each signed anew, and then given up', async () => {
    await makeEvent();
    answerWith(500);
    const began = clock.now().getTime();
    for (let n = 1; n <= 10; n += 1) {
      expect([n, await deliver(), await deliver()]).toEqual([n, true, false]);
      const { nextAttemptAt } = await newest();
      if (nextAttemptAt !== null) clock.set(new Date(nextAttemptAt));
    }
    expect(await newest()).toMatchObject({ status: 'failed', attempts: 10, nextAttemptAt: null, error: 'answered 500' });
    expect((clock.now().getTime() - began) / 86_400_000).toBeCloseTo(3, 0);
    expect(new Set(receiver.hooks.map(({ body, headers }) => `${headers['webhook-id']} ${body}`)).size).toBe(1);
    expect(new Set(receiver.hooks.map(({ headers }) => headers['webhook-signature'])).size).toBe(10);
    // The first retry is queued; the others the sweep finds.
    expect(enqueued).toEqual([{ queue: 'deliveries', payload: { endpointId: endpoint.id }, delayMs: expect.any(Number) }]);
  });

  test('is delivered again on demand, as is one that succeeded, under the same id and with all attempts before it', async () => {
    await makeEvent();
    answerWith(500);
    await deliver();
    const { id } = await newest();
    answerWith(200);
    for (let n = 0; n < 2; n += 1) {
      expect((await redeliver(id)).body.data).toMatchObject({ id, status: 'pending', attempts: 0 });
      expect(await deliver()).toBe(true);
      expect(await newest()).toMatchObject({ id, status: 'succeeded', attempts: 1, error: null });
    }
    expect(new Set(receiver.hooks.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(receiver.hooks).toHaveLength(3);
  });

  test('and is owed anew while it is tried is what was owed last: the attempt before changes nothing', async () => {
    await makeEvent();
    const { id } = await newest();
    receiver.answers((response) => void redeliver(id).then(() => response.writeHead(500).end()));
    await deliver();
    expect(await newest()).toMatchObject({ status: 'pending', attempts: 0, error: null });
  });

  test('because the process ended is due again after a minute, and at once when a worker starts', async () => {
    await makeEvent();
    const dying = { ...jobs(), webhookClient: { post: () => Promise.reject(new Error('killed')) } };
    await expect(deliverNext(dying, endpoint.id, () => undefined)).rejects.toThrow('killed');
    expect(await deliver()).toBe(false);
    await takeUpUnfinished(jobs());
    expect([await deliver(), (await newest()).status]).toEqual([true, 'succeeded']);
    await makeEvent();
    await expect(deliverNext(dying, endpoint.id, () => undefined)).rejects.toThrow('killed');
    later(60_000);
    expect([await deliver(), (await newest()).status]).toEqual([true, 'succeeded']);
    // One that failed waits for its time.
    await makeEvent();
    answerWith(500);
    await deliver();
    await takeUpUnfinished(jobs());
    expect(await deliver()).toBe(false);
  });
});

describe('a rotated secret', () => {
  const rotate = async () => (await tillkey.call('POST', `/api/v1/webhooks/${endpoint.id}/rotate-secret`)).body.data.secret;

  test('signs at once, and the old one beside it for a day, though its answer was lost and another was made', async () => {
    clock.set(new Date());
    await rotate();
    const secret = await rotate();
    const next = async () => {
      await makeEvent();
      await deliver();
      const { body, headers } = receiver.hooks.at(-1)!;
      const fits = (key: string) => headers['x-signature'] === createHmac('sha256', key).update(body).digest('hex');
      const verifies = (key: string) => {
        try {
          return new Webhook(key).verify(body, headers as Record<string, string>) !== undefined;
        } catch {
          return false;
        }
      };
      return { count: String(headers['webhook-signature']).split(' ').length, old: verifies(endpoint.secret), current: verifies(secret), x: fits(secret) };
    };
    expect(await next()).toEqual({ count: 3, old: true, current: true, x: true });
    const rows = tillkey.service.dependencies.database.em.fork();
    // The verifier keeps to real time, so it is the end of the overlap that moves.
    await rows.execute(`update webhook_endpoints set former_secrets = (select jsonb_agg(former || jsonb_build_object('until', ?::text)) from jsonb_array_elements(former_secrets) former) where id = ?`, [clock.now().toISOString(), endpoint.id]);
    expect(await next()).toEqual({ count: 1, old: false, current: true, x: true });
  });
});

describe('an endpoint', () => {
  test('that answers 410 is disabled at once, nothing more is sent to it, and its vendor is told', async () => {
    await makeEvent();
    await makeEvent();
    answerWith(410);
    await deliver();
    expect(await shown()).toMatchObject({ enabled: false, disabledReason: 'it answered 410 (gone)' });
    expect((await deliveries()).map(({ status, responseStatus, error }: any) => [status, responseStatus, error])).toEqual([
      ['failed', null, 'given up: the endpoint was disabled, as it answered 410 (gone)'], ['failed', 410, 'answered 410'],
    ]);
    await makeEvent();
    expect([await deliver(), receiver.hooks.length, (await deliveries()).length]).toEqual([false, 1, 2]);
    expect(await messages()).toEqual([{ recipient: 'tillkey@localhost', data: { endpointId: endpoint.id, reason: 'it answered 410 (gone)' } }]);
    expect(enqueued).toEqual([{ queue: 'messages', payload: { id: expect.any(String) }, delayMs: 0 }]);
  });

  test('that was moved or opened again while its old place answered 410 or its deliveries were given up keeps what it is owed', async () => {
    await makeEvent();
    await makeEvent();
    receiver.answers((response) => void tillkey.call('PATCH', `/api/v1/webhooks/${endpoint.id}`, { body: { url: `${receiver.url}/new` } }).then(() => response.writeHead(410).end()));
    await deliver();
    await giveUpIfClosed(tillkey.service.dependencies.database, endpoint.id, 'given up', clock.now());
    expect([await shown(), await messages()]).toEqual([expect.objectContaining({ enabled: true, url: `${receiver.url}/new` }), []]);
    expect((await deliveries()).map(({ status }: any) => status)).toEqual(['pending', 'failed']);
  });

  test('that fails for five days without a success is disabled, once, and its vendor mailed at the address they left', async () => {
    await tillkey.service.dependencies.database.em.fork().execute(`update accounts set support_email = 'help@acme.example', contact_email = 'vendor@acme.example'`);
    const failAt = async (days: number, status: number) => {
      clock.set(new Date(start + days * 86_400_000));
      answerWith(status);
      await makeEvent();
      while (await deliver());
    };
    const start = clock.now().getTime();
    await failAt(0, 500);
    await failAt(4.9, 200);
    expect((await shown()).failingSince).toBeNull();
    await failAt(5, 500);
    await failAt(9.9, 500);
    expect(await shown()).toMatchObject({ enabled: true, failingSince: new Date(start + 5 * 86_400_000).toISOString() });
    await failAt(10, 500);
    expect(await shown()).toMatchObject({ enabled: false, disabledReason: 'every attempt of the last 5 days failed' });
    expect(await messages()).toEqual([{ recipient: 'vendor@acme.example', data: { endpointId: endpoint.id, reason: 'every attempt of the last 5 days failed' } }]);
    expect((await tillkey.call('PATCH', `/api/v1/webhooks/${endpoint.id}`, { body: { enabled: true } })).body.data).toMatchObject({ enabled: true, failingSince: null });
    await failAt(10.1, 500);
    expect((await shown()).enabled).toBe(true);
  });

  test('that was closed while an event was being told is owed nothing for long', async () => {
    await makeEvent();
    const em = tillkey.service.dependencies.database.em.fork();
    await em.execute(`update webhook_endpoints set disabled_at = now(), disabled_reason = 'it answered 410 (gone)' where id = ?`, [endpoint.id]);
    await deliver();
    expect([await newest(), receiver.hooks]).toEqual([expect.objectContaining({ status: 'failed', error: 'given up: the endpoint was disabled, as it answered 410 (gone)' }), []]);
  });
});

describe('no connection is made', () => {
  const pointAt = (url: string) => tillkey.service.dependencies.database.em.fork().execute('update webhook_endpoints set url = ? where id = ?', [url, endpoint.id]);
  const port = () => new URL(receiver.url).port;

  test('to a name that leads to a private address by now, though it was public when it was checked', async () => {
    await pointAt(`https://rebound.example:${port()}/hooks`);
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }];
    };
    expect(await client({ allowPrivate: false, resolve }).faultOf('https://rebound.example/')).toBeNull();
    await makeEvent();
    await deliver({ allowPrivate: false, resolve });
    expect(await newest()).toMatchObject({ status: 'pending', error: expect.stringContaining('rebound.example is 127.0.0.1, which is no address of the public internet') });
    expect([receiver.hooks.length, asked]).toEqual([0, 2]);
    // The way there is open: it is the check that stood in it.
    await pointAt(`http://rebound.example:${port()}/hooks`);
    later(60_000);
    await deliver({ allowPrivate: true, resolve });
    expect(receiver.hooks).toHaveLength(1);
  });

  test('to a name with one private address among public ones', async () => {
    await pointAt(`https://both.example:${port()}/hooks`);
    await makeEvent();
    await deliver({ allowPrivate: false, resolve: async () => [{ address: '127.0.0.1', family: 4 }, { address: '93.184.215.14', family: 4 }] });
    expect([(await newest()).error, receiver.hooks]).toEqual([expect.stringContaining('not connected: both.example is 127.0.0.1'), []]);
  });

  test('by http to anywhere, though it was taken while that was allowed', async () => {
    await pointAt(`http://public.example:${port()}/hooks`);
    await makeEvent();
    await deliver({ allowPrivate: false, resolve: async () => [{ address: '93.184.215.14', family: 4 }] });
    expect([(await newest()).error, receiver.hooks]).toEqual(['not connected: http:// is not secure', []]);
  });

  test.each(['127.0.0.1', '127.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])('to %s', async (host) => {
    await pointAt(`https://${host}:${port()}/hooks`);
    await makeEvent();
    await deliver({ allowPrivate: false, resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    expect([(await newest()).error, receiver.hooks]).toEqual([expect.stringMatching(/^not connected: .* is .*, which is no address/), []]);
  });
});

describe('a lane', () => {
  test('has a few in flight, takes up what comes while it runs, and delivers all of it once', async () => {
    const lanes = createWebhookLanes(jobs({ timeoutMs: 10_000 }));
    const held: (() => void)[] = [];
    receiver.answers((response) => held.push(() => response.end()));
    for (let n = 0; n < 7; n += 1) await makeEvent();
    lanes.wake(endpoint.id);
    await receiver.got(5);
    await makeEvent();
    lanes.wake(endpoint.id);
    expect(receiver.hooks).toHaveLength(5);
    receiver.answers((response) => response.end());
    for (const answer of held) answer();
    await receiver.got(8);
    await lanes.close();
    expect((await deliveries()).map(({ status, attempts }: any) => [status, attempts])).toEqual(Array(8).fill(['succeeded', 1]));
  });

  test('that is closed ends what is in flight and begins nothing more', async () => {
    const lanes = createWebhookLanes(jobs({ timeoutMs: 10_000 }));
    receiver.answers((response) => void setImmediate(() => response.end()));
    for (let n = 0; n < 20; n += 1) await makeEvent();
    lanes.wake(endpoint.id);
    await receiver.got(1);
    await lanes.close();
    const count = receiver.hooks.length;
    lanes.wake(endpoint.id);
    await lanes.close();
    const done = await deliveries();
    expect([receiver.hooks.length, done.filter(({ status }: any) => status === 'succeeded').length]).toEqual([count, count]);
    expect(count).toBeLessThan(20);
  });
});
