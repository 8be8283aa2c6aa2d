import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/database/uuid.ts';
import { createLicense } from '../support/license.ts';
import { LIVE_KEY, startTestService, type TestService } from '../support/service.ts';
import { insertAccount, insertApiKey } from '../support/world.ts';

/** What the vendor sees of mails, what customers see of the vendor, and the pages where reminders are stopped. */

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService();
});
afterAll(() => tillkey.stop());

const account = (body?: object, key?: string) => tillkey.call(body ? 'PATCH' : 'GET', '/api/v1/account', { ...(body && { body }), ...(key && { key }) });
const messages = async (query = '') => (await tillkey.call('GET', `/api/v1/messages?${query}`)).body.data;
let next = 0;
const createCustomer = async () => (await tillkey.call('POST', '/api/v1/customers', { body: { email: `Reader-${(next += 1)}@example.com` } })).body.data;
const sendLink = (id: string, headers = {}) => tillkey.call('POST', `/api/v1/customers/${id}/portal-link`, { body: { sendEmail: true }, headers });
const mailsTo = async (email: string) => (await tillkey.mails()).filter(({ to }) => to?.[0]?.address === email);
const sql = (statement: string, values: unknown[]) => tillkey.service.dependencies.database.em.fork().execute(statement, values);

describe('the account', () => {
  test('says what customers are told of the vendor, alike to both of its modes', async () => {
    expect((await account()).body.data).toEqual({ id: expect.any(String), name: 'Default', supportEmail: null, contactEmail: null, websiteUrl: null, createdAt: expect.any(String) });
    const words = { name: 'Acme Software', supportEmail: 'help@acme.example', contactEmail: 'ops@acme.example', websiteUrl: 'https://acme.example/shop?a=1' };
    expect((await account(words)).body.data).toMatchObject(words);
    expect((await account(undefined, LIVE_KEY)).body.data).toMatchObject(words);
    expect((await account({ websiteUrl: null })).body.data).toMatchObject({ ...words, websiteUrl: null });
  });

  test('of another vendor changes nothing of ours', async () => {
    const before = (await account()).body.data;
    const other = await insertApiKey(tillkey, await insertAccount(tillkey));
    expect((await account({ name: 'Theirs', supportEmail: 'help@theirs.example' }, other)).body.data).toMatchObject({ name: 'Theirs', supportEmail: 'help@theirs.example' });
    expect((await account()).body.data).toEqual(before);
  });

  test.each<[string, object]>([
    ['a name with a line break', { name: 'Acme\r\nBcc: all@example.com' }],
    ['a name with a line separator', { name: 'Acme\u2028Inc' }],
    ['no name', { name: ' ' }],
    ['a name of null', { name: null }],
    ['an email with a line break', { supportEmail: 'help@acme.example\nBcc: all@example.com' }],
    ['two emails', { supportEmail: 'help@acme.example, all@example.com' }],
    ['what is no email', { contactEmail: 'acme' }],
    ['a script for a website', { websiteUrl: 'javascript:alert(1)' }],
    ['a website with a line break', { websiteUrl: 'https://acme.example/\r\nX: y' }],
    ['a website without a scheme', { websiteUrl: 'acme.example' }],
    ['its id', { id: newId() }],
  ])('refuses %s', async (_what, body) => {
    const before = (await account()).body.data;
    expect(await account(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } });
    expect((await account()).body.data).toEqual(before);
  });
});

describe('a sign-in link', () => {
  test('is mailed where asked to, once for one Idempotency-Key, and opens the portal', async () => {
    const { id, email } = await createCustomer();
    const headers = { 'idempotency-key': newId() };
    const [first, again] = [await sendLink(id, headers), await sendLink(id, headers)];
    expect([first.status, first.body.data.messageId, again.body.data.messageId]).toEqual([200, expect.any(String), first.body.data.messageId]);
    await tillkey.settled();
    const mails = await mailsTo(email);
    expect(mails.map(({ subject }) => subject)).toEqual(['Your sign-in link']);
    const [link = ''] = mails[0]!.text!.match(/http:\S+\/portal\/[\w-]+/) ?? [];
    expect(await (await fetch(link)).text()).toContain(email);
  });

  test('is mailed to nobody unless asked to', async () => {
    const { id, email } = await createCustomer();
    expect((await tillkey.call('POST', `/api/v1/customers/${id}/portal-link`, { body: {} })).body.data.messageId).toBeNull();
    expect(await messages(`recipient=${email}`)).toEqual([]);
  });
});

describe('the list of mails', () => {
  test('tells of each what it was, to whom, of which licenses, and what became of it', async () => {
    const { id, email } = await createCustomer();
    const { messageId } = (await sendLink(id)).body.data;
    await tillkey.settled();
    const [message] = await messages(`recipient=${email.toLowerCase()}`);
    expect(message).toEqual({
      id: messageId, kind: 'portal_link', recipient: email, licenseIds: [], state: 'sent', attempts: 1, lastError: null,
      createdAt: expect.any(String), nextAttemptAt: null, sentAt: expect.any(String), failedAt: null,
    });
  });

  test('is filtered by state, kind and recipient', async () => {
    const { id, email } = await createCustomer();
    const ids: Record<string, string> = {};
    for (const state of ['pending', 'failed', 'dropped', 'sent']) ids[state] = (await sendLink(id)).body.data.messageId;
    await tillkey.settled();
    await sql(`update messages set sent_at = null, due_at = '9000-01-01' where id = ?`, [ids['pending']]);
    await sql(`update messages set sent_at = null, failed_at = now() where id = ?`, [ids['failed']]);
    await sql(`update messages set sent_at = null where id = ?`, [ids['dropped']]);
    for (const [state, messageId] of Object.entries(ids)) {
      expect((await messages(`recipient=${email}&state=${state}`)).map((message: any) => [message.id, message.state])).toEqual([[messageId, state]]);
    }
    expect(await messages(`recipient=${email}&kind=key_delivery`)).toEqual([]);
    expect(await messages(`recipient=${email}&kind=portal_link`)).toHaveLength(4);
    expect((await tillkey.call('GET', '/api/v1/messages?kind=spam')).status).toBe(400);
    await sql(`update messages set due_at = null where id = ?`, [ids['pending']]);
  });

  test('shows nothing of the other mode', async () => {
    expect((await tillkey.call('GET', '/api/v1/messages', { key: LIVE_KEY })).body.data).toEqual([]);
  });
});

describe('sending a mail again', () => {
  const resend = (id: string) => tillkey.call('POST', `/api/v1/messages/${id}/resend`, { body: {} });

  test('of one that was given up makes it due, with all of its attempts, under the Message-ID it has', async () => {
    const { id, email } = await createCustomer();
    const { messageId } = (await sendLink(id)).body.data;
    await tillkey.settled();
    await sql(`update messages set sent_at = null, failed_at = now(), attempts = 68, last_error = '550 no' where id = ?`, [messageId]);
    expect((await resend(messageId)).body.data).toMatchObject({ id: messageId, state: 'pending', attempts: 0, lastError: null, failedAt: null });
    await tillkey.settled();
    // The folder holds a file a message: the second took the place of the first.
    expect((await mailsTo(email)).map((mail) => mail.messageId)).toEqual([`<${messageId}@localhost>`]);
    expect(await messages(`recipient=${email}&state=sent`)).toHaveLength(1);
  });

  test('of one that was sent is a message of its own, which no mail server takes for a repeat', async () => {
    const { id, email } = await createCustomer();
    const { messageId } = (await sendLink(id)).body.data;
    await tillkey.settled();
    const { status, body } = await resend(messageId);
    expect([status, body.data.state, body.data.kind, body.data.recipient]).toEqual([200, 'pending', 'portal_link', email]);
    expect(body.data.id).not.toBe(messageId);
    await tillkey.settled();
    expect((await mailsTo(email)).map((mail) => mail.messageId).sort()).toEqual([messageId, body.data.id].sort().map((each) => `<${each}@localhost>`));
  });

  test('of one that is nobody’s is 404', async () => {
    expect((await resend(newId())).status).toBe(404);
  });
});

describe('the page of an unsubscribe link', () => {
  const linkOf = (customerId: string) => {
    const { unsubscribeLinks, scopes, publicUrl } = tillkey.service.dependencies;
    return `${publicUrl}/portal/unsubscribe/${unsubscribeLinks.tokenOf({ scopeId: scopes.find(({ mode }) => mode === 'test')!.id, customerId })}`;
  };
  const unsubscribedAt = async (id: string) => (await tillkey.call('GET', `/api/v1/customers/${id}`)).body.data.unsubscribedAt;
  const open = async (url: string, method = 'GET') => {
    const response = await fetch(url, { method, redirect: 'manual' });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };

  test('changes nothing when it is only looked at, by whatever method looks', async () => {
    const { id, email } = await createCustomer();
    for (const method of ['GET', 'HEAD']) expect((await open(linkOf(id), method)).status).toBe(200);
    const { text, headers } = await open(linkOf(id));
    expect(text).toContain(email);
    expect(text.match(/<button>[^<]*/g)).toEqual(['<button>Stop reminders']);
    expect(headers.get('content-security-policy')).toContain(`default-src 'none'`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(await unsubscribedAt(id)).toBeNull();
  });

  test('stops reminders by a POST without a redirect, once however often, tells it, and has a way back', async () => {
    const { id } = await createCustomer();
    const link = linkOf(id);
    const stopped = await open(link, 'POST');
    expect([stopped.status, stopped.text.includes('You get no more reminders')]).toEqual([200, true]);
    const at = await unsubscribedAt(id);
    await open(link, 'POST');
    expect([at, await unsubscribedAt(id)]).toEqual([expect.any(String), at]);
    const events = async () => (await tillkey.call('GET', '/api/v1/events?type=customer.updated')).body.data.filter(({ data }: any) => data.id === id);
    expect((await events()).map(({ data }: any) => data.unsubscribedAt)).toEqual([at]);

    const [, undo = ''] = /action="([^"]+)"/.exec(stopped.text) ?? [];
    const back = await open(new URL(undo, link).href, 'POST');
    expect([back.status, back.text.includes('Stop reminders?'), await unsubscribedAt(id)]).toEqual([200, true, null]);
    expect(await events()).toHaveLength(2);
  });

  test('opens with its own token only: none of a portal link, none that was changed, none of somebody deleted', async () => {
    const { id } = await createCustomer();
    const portal: string = (await tillkey.call('POST', `/api/v1/customers/${id}/portal-link`, { body: {} })).body.data.url;
    const link = linkOf(id);
    const token = link.split('/').at(-1)!;
    const wrong = [portal.replace('/portal/', '/portal/unsubscribe/'), `${link}A`, link.slice(0, -2), link.replace(token, 'x'), linkOf(newId())];
    for (const url of wrong) for (const method of ['GET', 'POST']) expect([url, (await open(url, method)).status]).toEqual([url, 403]);
    expect((await open(`${tillkey.url}/portal/${token}`)).status).toBe(403);
    await tillkey.call('DELETE', `/api/v1/customers/${id}`);
    expect((await open(link, 'POST')).status).toBe(403);
  });

  test('says whose reminders they are, as text', async () => {
    await account({ name: 'Acme <b>& Sons</b>' });
    const license = await createLicense(tillkey, { license: { userEmail: 'reader@example.com' } });
    const { text } = await open(linkOf(license.customerId));
    expect(text).toContain('Acme &lt;b&gt;&amp; Sons&lt;/b&gt;');
    expect(text).toContain('mailto:help@acme.example');
  });
});
