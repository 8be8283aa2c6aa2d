import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Email } from 'postal-mime';
import { inTransaction } from '../../src/database/orm.ts';
import { newId } from '../../src/database/uuid.ts';
import { MOST_MAIL_ATTEMPTS } from '../../src/jobs/backoff.ts';
import { sendEmailJob } from '../../src/jobs/send-email.ts';
import { isReminder, type MessageContent, type MessageKind } from '../../src/licensing/core/message.ts';
import { createMailer, type Mailer } from '../../src/mailer.ts';
import { type NewMessage, writeMessage } from '../../src/outbox.ts';
import { createLicense, createPolicy } from '../support/license.ts';
import { catchMail, type MailCatcher } from '../support/mail-catcher.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { insertAccount } from '../support/world.ts';

/** Mails on the wire: the jobs are run by hand, and a real SMTP server hears them. */

let tillkey: TestService;
let catcher: MailCatcher;
let mailer: Mailer;
const from = 'Keys <keys@vendor.example>';
const mailFolder = '/nowhere';
const patience = { connectionTimeout: 60_000, greetingTimeout: 60_000, socketTimeout: 60_000, inAllMs: 60_000 };
const silenceEnds = { ...patience, greetingTimeout: 300, socketTimeout: 300 };

beforeAll(async () => {
  catcher = await catchMail({ refused: ['gone@example.com'] });
  mailer = createMailer({ smtpUrl: catcher.url, from, mailFolder });
  tillkey = await startTestService({ role: 'web' });
});
afterAll(async () => {
  mailer.close();
  await catcher.close();
  await tillkey.stop();
});

const dependencies = () => ({ ...tillkey.service.dependencies, mailer, queues: { enqueue: async () => undefined } });
const testScope = () => dependencies().scopes.find(({ mode }) => mode === 'test')!;
const owe = (message: NewMessage, scope = testScope()) => inTransaction(dependencies().database, async (tx) => writeMessage(tx, scope, message, tillkey.clock.now()));
const send = (id: string, by: Partial<ReturnType<typeof dependencies>> = {}) => sendEmailJob({ ...dependencies(), ...by }, { id });
const told = async (id: string) => (await tillkey.call('GET', '/api/v1/messages?limit=100')).body.data.find((message: { id: string }) => message.id === id);
const received = (id: string) => catcher.mails.filter(({ messageId }) => messageId === `<${id}@vendor.example>`);

/** Owes a mail, sends it, and gives back what arrived. */
async function mailed(message: NewMessage, scope = testScope()): Promise<Email> {
  const id = await owe(message, scope);
  await send(id);
  const [mail] = received(id);
  if (!mail) throw new Error(`nothing arrived: ${JSON.stringify(await told(id))}`);
  return mail;
}
const header = ({ headers }: Email, name: string) => headers.find(({ key }) => key === name)?.value ?? null;

let next = 0;
async function holder() {
  const email = `mail-${(next += 1)}@example.com`;
  const license = await createLicense(tillkey, { license: { userEmail: email } });
  return { email, license, customerId: license.customerId as string, licenseIds: [license.id] as [string] };
}

const endsAt = '2027-03-04T09:30:00.000Z';
const ofLicenses = (licenseIds: [string]): MessageContent[] => [
  { kind: 'key_delivery', data: { licenseIds } },
  { kind: 'payment_failed', data: { licenseIds, accessEndsAt: endsAt, invoiceUrl: 'https://invoice.stripe.com/i/acct_1/test' } },
  { kind: 'access_suspended', data: { licenseIds, reason: 'PAYMENT_FAILED', invoiceUrl: null } },
  { kind: 'access_reinstated', data: { licenseIds } },
  { kind: 'trial_ending', data: { licenseIds, endsAt } },
  { kind: 'cancellation_scheduled', data: { licenseIds, endsAt } },
  { kind: 'expiring_soon', data: { licenseIds, endsAt } },
  { kind: 'expired', data: { licenseIds, endedAt: endsAt } },
  { kind: 'access_revoked', data: { licenseIds, reason: 'REFUNDED' } },
];

test('a mail of an account that nobody named comes from whom MAIL_FROM says, and tells of no vendor', async () => {
  const { email, licenseIds } = await holder();
  const { from: sender, replyTo, text } = await mailed({ kind: 'key_delivery', recipient: email, data: { licenseIds } });
  expect([sender, replyTo, text!.includes('Default')]).toEqual([{ name: 'Keys', address: 'keys@vendor.example' }, undefined, false]);
});

describe('every mail to a customer', () => {
  let mails: Map<MessageKind, Email>;
  let owner: Awaited<ReturnType<typeof holder>>;
  beforeAll(async () => {
    await tillkey.call('PATCH', '/api/v1/account', { body: { name: 'Ärmel & "Söhne", Inc.', supportEmail: 'help@vendor.example', websiteUrl: 'https://vendor.example/shop' } });
    owner = await holder();
    mails = new Map();
    const all = [...ofLicenses(owner.licenseIds), { kind: 'portal_link', data: { customerId: owner.customerId } } as const];
    for (const content of all) mails.set(content.kind, await mailed({ ...content, recipient: owner.email }));
  });

  test('arrives at the recipient, from the vendor’s name, with answers going to its support, and parses', () => {
    for (const [kind, mail] of mails) {
      expect([kind, mail.from, mail.replyTo?.[0]?.address, mail.to?.[0]?.address]).toEqual([kind, { name: 'Ärmel & "Söhne", Inc.', address: 'keys@vendor.example' }, 'help@vendor.example', owner.email]);
      expect([mail.subject, mail.text, mail.html].every((part) => (part ?? '').length > 10)).toBe(true);
      expect(header(mail, 'auto-submitted')).toBe('auto-generated');
    }
  });

  test('says that it is of test mode, and brings the key in full only where it delivers it', () => {
    for (const [kind, { text, html }] of mails) {
      for (const part of [text!, html!]) expect([kind, part.includes('Test mode'), part.includes(owner.license.key)]).toEqual([kind, true, kind === 'key_delivery']);
      if (kind !== 'portal_link') expect(text).toContain(owner.license.key.slice(-4));
    }
  });

  test('has a link into the portal that opens it for a week', async () => {
    for (const { text } of mails.values()) {
      const [link = ''] = text!.match(/http:\S+\/portal\/[\w-]+(?=\s)/) ?? [];
      const page = await (await fetch(link)).text();
      expect(page).toContain(owner.license.key);
      expect(page).toContain('help@vendor.example');
      expect(page).toContain('Ärmel &amp; &quot;Söhne&quot;, Inc.');
    }
  });

  test('can be unsubscribed from by one click where it only reminds, and nowhere else', () => {
    for (const [kind, mail] of mails) {
      const [link, post] = [header(mail, 'list-unsubscribe'), header(mail, 'list-unsubscribe-post')];
      if (isReminder(kind)) expect([kind, link, post]).toEqual([kind, expect.stringMatching(/^<http:\/\/localhost:\d+\/portal\/unsubscribe\/[\w-]+>$/), 'List-Unsubscribe=One-Click']);
      else expect([kind, link, post]).toEqual([kind, null, null]);
      expect([mail.text!.includes('/portal/unsubscribe/'), mail.html!.includes('/portal/unsubscribe/')]).toEqual([isReminder(kind), isReminder(kind)]);
    }
  });

  test('shows each vendor’s words to its own customers', async () => {
    const { scopeId } = await insertAccount(tillkey);
    const [{ id: accountId }] = await dependencies().database.em.fork().execute<[{ id: string }]>('select account_id as id from scopes where id = ?', [scopeId]);
    const mail = await foreignKeyMail({ id: scopeId, accountId, mode: 'test' });
    expect([mail.from?.name, mail.replyTo ?? null, mail.text!.includes('vendor.example/shop')]).toEqual(['Other', null, false]);
  });
});

test('a message of one account never tells of another’s licenses', async () => {
  const { licenseIds } = await holder();
  const { scopeId } = await insertAccount(tillkey);
  const id = await owe({ kind: 'key_delivery', recipient: 'thief@example.com', data: { licenseIds } }, { ...testScope(), id: scopeId });
  await send(id);
  expect(await dependencies().database.em.fork().execute('select last_error, sent_at from messages where id = ?', [id])).toEqual([{ last_error: 'The licenses it is about were deleted.', sent_at: null }]);
  expect(received(id)).toEqual([]);
});

/** A key mail of another account, whose license is ours but for its scope. */
async function foreignKeyMail(scope: { id: number; accountId: string; mode: 'test' }): Promise<Email> {
  const em = dependencies().database.em.fork();
  const { license, email } = await holder();
  const [product, policy, copy] = [newId(), newId(), newId()];
  const copyRow = (table: string, id: string, from: string, over: string) => em.execute(
    `insert into ${table} overriding user value select (jsonb_populate_record(t, jsonb_build_object('id', ?::text, 'scope_id', ?::int) || ?::jsonb)).* from ${table} t where id = ?`, [id, scope.id, over, from]);
  await copyRow('products', product, license.productId, '{}');
  await copyRow('policies', policy, license.policyId, JSON.stringify({ product_id: product }));
  await copyRow('licenses', copy, license.id, JSON.stringify({ product_id: product, policy_id: policy, customer_id: null }));
  return mailed({ kind: 'key_delivery', recipient: email, data: { licenseIds: [copy] } }, scope);
}

describe('what was deleted meanwhile', () => {
  test('is told in no mail: of several licenses the others are, and of none left the mail is given up with the reason', async () => {
    const { email, license } = await holder();
    const other = await createLicense(tillkey, { license: { userEmail: email } });
    await tillkey.call('DELETE', `/api/v1/licenses/${license.id}`);
    const mail = await mailed({ kind: 'access_reinstated', recipient: email, data: { licenseIds: [license.id, other.id] } });
    expect([mail.text!.includes(other.key.slice(-4)), mail.text!.includes(license.key.slice(-4))]).toEqual([true, false]);
    const id = await owe({ kind: 'key_delivery', recipient: email, data: { licenseIds: [license.id] } });
    await send(id);
    expect(await told(id)).toMatchObject({ state: 'failed', lastError: 'The licenses it is about were deleted.', nextAttemptAt: null });
    expect(received(id)).toEqual([]);
  });

  test('gets no sign-in link, nor does an address that is no longer the customer’s', async () => {
    const { id: customerId } = (await tillkey.call('POST', '/api/v1/customers', { body: { email: 'leaving@example.com' } })).body.data;
    const left = await owe({ kind: 'portal_link', recipient: 'leaving@example.com', data: { customerId } });
    await tillkey.call('DELETE', `/api/v1/customers/${customerId}`);
    await send(left);
    expect(await told(left)).toMatchObject({ state: 'failed', lastError: 'The customer was deleted.' });
    const { customerId: stays, licenseIds } = await holder();
    const elsewhere = await owe({ kind: 'portal_link', recipient: 'before@example.com', data: { customerId: stays } });
    await send(elsewhere);
    expect(await told(elsewhere)).toMatchObject({ state: 'failed', lastError: 'The customer has another address by now.' });
    const note = await mailed({ kind: 'access_reinstated', recipient: 'before@example.com', data: { licenseIds } });
    expect(note.text).not.toContain('/portal/');
  });

  test('and what can be made no mail of is put off and seen, like one that is refused', async () => {
    const { email, licenseIds } = await holder();
    const id = await owe({ kind: 'expired', recipient: email, data: { licenseIds, endedAt: endsAt } });
    await dependencies().database.em.fork().execute(`update messages set data = '{}' where id = ?`, [id]);
    await send(id);
    expect(await told(id)).toMatchObject({ state: 'pending', attempts: 1, lastError: expect.stringContaining('licenseIds') });
  });

  test('a recipient that is no address is given up', async () => {
    const { licenseIds } = await holder();
    const id = await owe({ kind: 'access_reinstated', recipient: '', data: { licenseIds } });
    await send(id);
    expect(await told(id)).toMatchObject({ state: 'failed', lastError: 'There is no address to send it to.' });
  });
});

describe('a reader who unsubscribed', () => {
  test('is sent no reminder that was owed before, and everything else', async () => {
    const { email, customerId, licenseIds } = await holder();
    const reminder = { kind: 'expiring_soon', recipient: email, data: { licenseIds, endsAt } } as const;
    const link = header(await mailed(reminder), 'list-unsubscribe')!.slice(1, -1);
    const owed = await owe(reminder);
    expect((await fetch(link, { method: 'POST', body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }), headers: { origin: 'https://mail.example', 'sec-fetch-site': 'cross-site' } })).status).toBe(200);
    expect((await tillkey.call('GET', `/api/v1/customers/${customerId}`)).body.data.unsubscribedAt).toEqual(expect.any(String));
    await send(owed);
    expect(await told(owed)).toMatchObject({ state: 'dropped', sentAt: null, failedAt: null, lastError: expect.stringContaining('unsubscribed') });
    expect(received(owed)).toEqual([]);
    await mailed({ kind: 'payment_failed', recipient: email, data: { licenseIds, accessEndsAt: endsAt, invoiceUrl: null } });
    await mailed({ kind: 'key_delivery', recipient: email, data: { licenseIds } });
  });
});

describe('to the vendor', () => {
  test('goes the news of a disabled endpoint, in nobody’s name but ours', async () => {
    const endpointId = newId();
    await dependencies().database.em.fork().execute(
      `insert into webhook_endpoints (id, scope_id, url, events, secret_sealed, created_at, updated_at) values (?, ?, 'https://vendor.example/hook', '{*}', '', now(), now())`, [endpointId, testScope().id]);
    const mail = await mailed({ kind: 'endpoint_disabled', recipient: 'ops@vendor.example', data: { endpointId, reason: 'It answered 410 Gone.' } });
    expect([mail.from?.name, mail.text]).toEqual(['Keys', expect.stringMatching(/vendor\.example\/hook[^]*410 Gone/)]);
  });
});

describe('a mail server', () => {
  const others: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
  });
  const withManners = async (manners: Parameters<typeof catchMail>[0], patience?: typeof silenceEnds) => {
    const server = await catchMail(manners);
    const patient = createMailer({ smtpUrl: server.url, from, mailFolder, ...(patience && { patience }) });
    others.push(patient, server);
    return { server, patient };
  };

  test('that refuses an address is quoted, and asked again until the mail is given up', async () => {
    const { licenseIds } = await holder();
    const id = await owe({ kind: 'access_reinstated', recipient: 'gone@example.com', data: { licenseIds } });
    await send(id);
    expect(await told(id)).toMatchObject({ state: 'pending', attempts: 1, lastError: expect.stringContaining('550 5.1.1 <gone@example.com> no such user here'), nextAttemptAt: expect.any(String) });
    await dependencies().database.em.fork().execute('update messages set attempts = ? where id = ?', [MOST_MAIL_ATTEMPTS - 1, id]);
    await send(id);
    expect(await told(id)).toMatchObject({ state: 'failed', nextAttemptAt: null, failedAt: expect.any(String), lastError: expect.stringContaining('550') });
  });

  test('that refuses one address takes the mails to others, over the same connection and at once', async () => {
    const { email, licenseIds } = await holder();
    const ids: string[] = [];
    for (const recipient of ['gone@example.com', email, 'gone@example.com', email]) ids.push(await owe({ kind: 'access_reinstated', recipient, data: { licenseIds } }));
    await Promise.all(ids.map((id) => send(id)));
    expect(ids.map((id) => received(id).length)).toEqual([0, 1, 0, 1]);
  });

  test.each(['before', 'recipient', 'after'] as const)('that falls silent (%s) is waited for no longer than told, and the mail is put off', async (silent) => {
    const { patient } = await withManners({ silent }, silenceEnds);
    const { email, licenseIds } = await holder();
    const id = await owe({ kind: 'access_reinstated', recipient: email, data: { licenseIds } });
    await send(id, { mailer: patient });
    expect(await told(id)).toMatchObject({ state: 'pending', attempts: 1, lastError: expect.stringMatching(/timeout|never received|timed out/i) });
  });

  test('that hangs over one address holds up no mail to another', async () => {
    const { email, licenseIds } = await holder();
    const { server, patient } = await withManners({ silent: 'recipient', silentFor: 'tarpit@example.com' });
    const hanging = await owe({ kind: 'access_reinstated', recipient: 'tarpit@example.com', data: { licenseIds } });
    const other = await owe({ kind: 'access_reinstated', recipient: email, data: { licenseIds } });
    let hangs = true;
    const waiting = send(hanging, { mailer: patient }).then(() => (hangs = false));
    await server.reached;
    await send(other, { mailer: patient });
    expect([hangs, server.mails.map(({ to }) => to?.[0]?.address)]).toEqual([true, [email]]);
    server.speakAgain();
    await waiting;
    expect(server.mails).toHaveLength(2);
  });

  test('that never stops talking is cut off', async () => {
    const sockets: Socket[] = [];
    const talking = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write('220 hello\r\n');
      const talk = setInterval(() => socket.write('250-and another thing\r\n'), 20);
      socket.on('close', () => clearInterval(talk));
    }).listen(0, '127.0.0.1');
    await once(talking, 'listening');
    const patient = createMailer({ smtpUrl: `smtp://127.0.0.1:${(talking.address() as AddressInfo).port}`, from, mailFolder, patience: { ...patience, inAllMs: 900 } });
    others.push(patient, talking);
    const { email, licenseIds } = await holder();
    const id = await owe({ kind: 'access_reinstated', recipient: email, data: { licenseIds } });
    await send(id, { mailer: patient });
    expect(await told(id)).toMatchObject({ state: 'pending', lastError: 'The mail server did not take the mail in 900 ms.' });
    for (const socket of sockets) socket.destroy();
  });

  test('that is away is told apart by what went wrong', async () => {
    const { email, licenseIds } = await holder();
    const away = createMailer({ smtpUrl: 'smtp://127.0.0.1:1', from, mailFolder });
    const id = await owe({ kind: 'access_reinstated', recipient: email, data: { licenseIds } });
    await send(id, { mailer: away });
    away.close();
    expect(await told(id)).toMatchObject({ state: 'pending', lastError: expect.stringContaining('ECONNREFUSED') });
  });
});

test('a policy of another product stands in the mail under its own name', async () => {
  const { email, license } = await holder();
  const second = await createLicense(tillkey, { policyId: (await createPolicy(tillkey)).id, license: { userEmail: email } });
  await tillkey.call('PATCH', `/api/v1/products/${second.productId}`, { body: { name: 'Bolt <Ultra>' } });
  const mail = await mailed({ kind: 'key_delivery', recipient: email, data: { licenseIds: [license.id, second.id] } });
  expect(mail.subject).toBe('Your Acme Pro and Bolt <Ultra> license keys');
  expect(mail.html).toContain('Bolt &lt;Ultra&gt;');
});
