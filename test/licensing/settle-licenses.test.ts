import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { applyStripeEvent } from '../../src/billing/apply-stripe-event.ts';
import { readEvent } from '../../src/billing/core/read-stripe.ts';
import { licensesDue } from '../../src/licensing/settle-licenses.ts';
import { createCatalog } from '../support/catalog.ts';
import { createLicense, createPolicy } from '../support/license.ts';
import { withRival } from '../support/rival.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { deliver, event, firstMonth, type RawEvent, unix } from '../support/webhook.ts';

const DAY_MS = 86_400_000;
let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web' });
  await createCatalog(tillkey, { mapping: { gracePeriodDays: 7 } });
  await createCatalog(tillkey, { stripePriceId: 'price_revoking', policy: { expirationStrategy: 'REVOKE' } });
});
afterAll(() => tillkey.stop());

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
const sql = (statement: string, values: unknown[] = []): Promise<any[]> => tillkey.service.dependencies.database.em.fork().execute(statement, values);
const settle = (waits: boolean, now: Date, at = tillkey) =>
  licensesDue.batch(at.service.dependencies, { scope: at.service.dependencies.scopes[1]!, waits }, now);

async function settleAll(now: Date, at = tillkey): Promise<number> {
  const { count } = await settle(false, now, at);
  return count === 0 ? 0 : count + (await settleAll(now, at));
}

const eventsOf = async (licenseId: string) => (await sql('select type from events where license_id = ? order by sequence', [licenseId])).map(({ type }) => type.replace('license.', ''));

describe('licenses that are due', () => {
  test('a thousand after a standstill, to two who settle at once, are told one end each and numbered without a gap', async () => {
    const { id: policyId, productId } = await createPolicy(tillkey);
    const pattern = await createLicense(tillkey, { policyId, license: { expiresAt: inDays(2) } });
    await sql(`
      insert into licenses (id, scope_id, key_hash, key_encrypted, product_id, policy_id, vendor_status, uses_count, metadata, billing_renews, created_at, updated_at, expires_at, due_at)
      select gen_random_uuid(), scope_id, sha256(n::text::bytea), key_encrypted, product_id, policy_id, 'active', 0, '{}', false, created_at, updated_at, expires_at, expires_at
      from licenses, generate_series(1, 1000) n where id = ?`, [pattern.id]);
    const other = await startTestService({ role: 'web', databaseUrl: tillkey.databaseUrl });
    const now = inDays(9);
    const settled = await Promise.all([settleAll(now), settleAll(now, other)]);
    await other.stop();
    await settleAll(now);
    expect(settled.every((count) => count > 0)).toBe(true);
    const told = await sql(`select e.type, count(*)::int as count, count(distinct e.license_id)::int as licenses, max(sequence)::int as last from events e join licenses l on l.id = e.license_id where l.product_id = ? and e.type <> 'license.created' group by 1`, [productId]);
    expect(told).toEqual([{ type: 'license.expired', count: 1001, licenses: 1001, last: 2 }]);
  });

  test('are left to whoever changes them, and looked at again when waited for', async () => {
    const license = await createLicense(tillkey, { license: { expiresAt: inDays(3) } });
    const now = inDays(4);
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run(`update licenses set expires_at = $2, due_at = $2 where id = $1`, [license.id, inDays(200)]);
      expect(await settle(false, now)).toEqual({ count: 0, messageIds: [] });
      expect(await commitOnce(settle(true, now))).toMatchObject({ count: 0 });
    });
    expect(await eventsOf(license.id)).toEqual(['created']);
  });

  test('are waited for in one order, so that whoever locks several never waits in a circle', async () => {
    const [first, second] = [await createLicense(tillkey, { license: { expiresAt: inDays(3) } }), await createLicense(tillkey, { license: { expiresAt: inDays(2) } })];
    await withRival(tillkey.databaseUrl, async ({ run, untilStuck }) => {
      await run('select 1 from licenses where id = $1 for update', [first.id]);
      const settled = settle(true, inDays(4));
      await untilStuck(settled);
      await run('select 1 from licenses where id = $1 for update', [second.id]);
      await run('commit');
      expect(await settled).toMatchObject({ count: 2 });
    });
  });

  test('revoke for good under REVOKE, which a renewal does not undo', async () => {
    const license = await createLicense(tillkey, { policy: { expirationStrategy: 'REVOKE' }, license: { expiresAt: inDays(3) } });
    await settleAll(inDays(4));
    expect(await eventsOf(license.id)).toEqual(['created', 'expired', 'revoked']);
    const told = await sql(`select data->>'status' as status from events where license_id = ? order by sequence`, [license.id]);
    expect(told.map(({ status }) => status)).toEqual(['active', 'expired', 'revoked']);
    expect((await tillkey.call('POST', `/api/v1/licenses/${license.id}/renew`, { body: { expiresAt: inDays(300) } })).status).toBe(409);
  });
});

describe('what a vendor does', () => {
  test('is told once, with an end that it brings about, and mails nobody', async () => {
    const license = await createLicense(tillkey, { license: { expiresAt: inDays(100), userEmail: 'by-hand@example.com' } });
    const path = `/api/v1/licenses/${license.id}`;
    await tillkey.call('PATCH', path, { body: { expiresAt: inDays(-1) } });
    await tillkey.call('POST', `${path}/renew`, { body: { expiresAt: inDays(50) } });
    await tillkey.call('POST', `${path}/suspend`);
    await tillkey.call('POST', `${path}/reinstate`);
    await tillkey.call('POST', `${path}/ban`);
    expect(await eventsOf(license.id)).toEqual(['created', 'updated', 'expired', 'renewed', 'suspended', 'reinstated', 'banned']);
    expect(await sql(`select 1 from messages where recipient = 'by-hand@example.com'`)).toEqual([]);
  });
});

describe('what time did before a verb, the job being late,', () => {
  test('is told before it, and mailed', async () => {
    const license = await createLicense(tillkey, { license: { expiresAt: inDays(2), userEmail: 'late-job@example.com' } });
    tillkey.clock.set(inDays(3));
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { name: 'Desk' } });
    await settleAll(inDays(3));
    tillkey.clock.set(new Date());
    expect(await eventsOf(license.id)).toEqual(['created', 'expired', 'updated']);
    expect((await sql(`select kind from messages where recipient = 'late-job@example.com'`)).map(({ kind }) => kind)).toEqual(['expired']);
  });

  test('under REVOKE has revoked for good', async () => {
    const license = await createLicense(tillkey, { policy: { expirationStrategy: 'REVOKE' }, license: { expiresAt: inDays(2) } });
    tillkey.clock.set(inDays(3));
    const renewed = await tillkey.call('POST', `/api/v1/licenses/${license.id}/renew`, { body: { expiresAt: inDays(300) } });
    tillkey.clock.set(new Date());
    expect(renewed.status).toBe(409);
  });

  test('stays told to a verb that was asked for before it and had to wait', async () => {
    const license = await createLicense(tillkey, { license: { expiresAt: inDays(2) } });
    const end = Date.parse(license.expiresAt);
    tillkey.clock.set(new Date(end - 1));
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run(`update licenses set told_status = 'expired', told_at = $2, due_at = null, reminded_days = 1 where id = $1`, [license.id, new Date(end)]);
      await commitOnce(tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { name: 'Desk' } }));
    });
    tillkey.clock.set(new Date());
    await settleAll(inDays(3));
    expect(await eventsOf(license.id)).toEqual(['created', 'updated']);
  });
});

describe('what billing does', () => {
  let n = 0;
  let first: ReturnType<typeof firstMonth>;
  // One reading of the clock a test: a second more would be a longer period.
  let began: number;
  const open = (price = 'price_1') => {
    n += 1;
    began = unix();
    first = firstMonth({ n, email: email(), price });
  };
  beforeEach(() => open());
  const second = (days: number) => began + days * 86_400;
  const email = () => `life-${n}@example.com`;
  const mails = async () => (await sql('select kind, data from messages where recipient = ? order by id', [email()])).map(({ kind, data }) => ({ kind, ...data, licenseIds: data.licenseIds.length }));
  const licenses = async () => (await tillkey.call('GET', `/api/v1/licenses?userEmail=${email()}`)).body.data;

  async function tell(sent: RawEvent, now = new Date(), realNow = new Date()): Promise<void> {
    await deliver(tillkey.url, sent);
    await applyStripeEvent(tillkey.service.dependencies, { scope: tillkey.service.dependencies.scopes[1]!, eventId: sent.id, read: readEvent(JSON.stringify(sent), 'test'), realNow }, null, now);
  }

  const renewal = (status: string, created: number, more: object = {}) => {
    const [line] = first.invoice.lines.data;
    const lines = { data: [{ ...line, id: `il_${n}_2`, period: { start: second(30), end: second(60) } }] };
    return { ...first.invoice, id: `in_${n}_2`, status, created, billing_reason: 'subscription_cycle', hosted_invoice_url: 'https://invoice.example/pay', lines, ...more };
  };
  const moved = (change: object) => ({ ...first.subscription, ...change });
  const at = (type: string, object: object, days: number) => event(type, object, { created: second(days) });

  test('is told in order: a payment that fails, grace, suspension, payment, a scheduled end, and the end', async () => {
    for (const sent of first.events) await tell(sent);
    await tell(at('invoice.payment_failed', renewal('open', second(30)), 30), inDays(30));
    await tell(at('customer.subscription.updated', moved({ status: 'past_due' }), 30), inDays(30));
    await settleAll(inDays(37.1));
    await tell(at('invoice.paid', renewal('paid', second(30), { status_transitions: { paid_at: second(40) } }), 40), inDays(40));
    const item = { ...first.subscription.items.data[0], current_period_start: second(30), current_period_end: second(60) };
    await tell(at('customer.subscription.updated', moved({ status: 'active', items: { data: [item] } }), 40), inDays(40));
    await tell(at('customer.subscription.updated', moved({ status: 'active', cancel_at_period_end: true, items: { data: [item] } }), 41), inDays(41));
    await settleAll(inDays(53.5));
    await tell(at('customer.subscription.deleted', moved({ status: 'canceled', ended_at: second(55), items: { data: [item] } }), 55), inDays(55));
    const [license] = await licenses();
    expect(await eventsOf(license.id)).toEqual(['created', 'grace_started', 'grace_ended', 'suspended', 'reinstated', 'renewed', 'updated', 'expiring_soon', 'expired']);
    expect(await mails()).toMatchObject([
      { kind: 'key_delivery' },
      { kind: 'payment_failed', invoiceUrl: 'https://invoice.example/pay' },
      { kind: 'access_suspended', reason: 'PAYMENT_FAILED', invoiceUrl: 'https://invoice.example/pay' },
      { kind: 'access_reinstated' },
      { kind: 'cancellation_scheduled' },
      { kind: 'expiring_soon' },
      { kind: 'expired' },
    ]);
  });

  test('a scheduled end is mailed once a day it is moved to', async () => {
    for (const sent of first.events) await tell(sent);
    for (const [n, cancel_at] of [20, 20, 25].entries()) await tell(at('customer.subscription.updated', moved({ cancel_at: second(cancel_at), metadata: { n } }), n / 100));
    expect((await mails()).map(({ kind, endsAt }) => [kind, endsAt])).toEqual([['key_delivery', undefined], ...[20, 25].map((day) => ['cancellation_scheduled', new Date(second(day) * 1000).toISOString()])]);
  });

  test('an end is mailed for two days, and told later all the same', async () => {
    for (const sent of first.events) await tell(sent);
    await tell(at('customer.subscription.deleted', moved({ status: 'canceled', ended_at: second(1) }), 3.01), inDays(3.01));
    expect((await mails()).map(({ kind }) => kind)).toEqual(['key_delivery']);
    expect((await eventsOf((await licenses())[0].id)).at(-1)).toBe('expired');
  });

  test('goes by no time before the end of grace that was told while it waited', async () => {
    for (const sent of first.events) await tell(sent);
    await tell(at('invoice.payment_failed', renewal('open', second(30)), 30), inDays(30));
    const [license] = await licenses();
    const runsOut = new Date(license.billing.graceEndsAt);
    await settleAll(runsOut);
    await tell(at('customer.subscription.updated', moved({ status: 'past_due' }), 30.5), new Date(runsOut.getTime() - 1));
    await settleAll(new Date(runsOut.getTime() + 1));
    expect(await eventsOf(license.id)).toEqual(['created', 'grace_started', 'grace_ended', 'suspended']);
    expect(await mails()).toMatchObject([{ kind: 'key_delivery' }, { kind: 'payment_failed' }, { kind: 'access_suspended' }]);
  });

  test('to all licenses of one purchase is one mail', async () => {
    const { session, subscription } = first;
    const three = { ...subscription, items: { data: [{ ...subscription.items.data[0], quantity: 3 }] } };
    await tell(event('checkout.session.completed', session));
    await tell(event('customer.subscription.created', three));
    await tell(at('customer.subscription.deleted', { ...three, status: 'canceled', ended_at: second(1) }, 1), inDays(1));
    expect(await mails()).toMatchObject([{ kind: 'key_delivery', licenseIds: 3 }, { kind: 'expired', licenseIds: 3 }]);
  });

  test('and is told by a backfill of more than 48 hours mails the key, and nothing else', async () => {
    const { session, subscription, invoice: paid } = first;
    for (const [type, object] of [['checkout.session.completed', session], ['invoice.paid', paid], ['customer.subscription.updated', { ...subscription, cancel_at_period_end: true }]] as const) await tell(at(type, object, -2.1));
    expect(await mails()).toMatchObject([{ kind: 'key_delivery' }]);
    expect((await licenses())[0].billing.cancelsAt).not.toBeNull();
  });

  test('and is told by a replay of what came days ago mails nothing but the key', async () => {
    for (const sent of first.events) await tell(sent, inDays(3), inDays(3));
    await tell(event('customer.subscription.updated', moved({ cancel_at_period_end: true })), inDays(3), inDays(3));
    expect(await mails()).toMatchObject([{ kind: 'key_delivery' }]);
    expect((await licenses())[0].billing.cancelsAt).not.toBeNull();
  });

  test('a refund revokes and says so; nobody who is banned is told', async () => {
    for (const sent of first.events) await tell(sent);
    await tell(event('invoice.paid', { ...first.invoice, payment_intent: `pi_${n}`, amount_paid: 900 }, { created: began + 1 }));
    const [license] = await licenses();
    const charge = { id: `ch_${n}`, payment_intent: `pi_${n}`, amount: 900, amount_refunded: 900, refunded: true };
    await tell(event('charge.refunded', charge, { created: began + 2 }));
    expect((await eventsOf(license.id)).at(-1)).toBe('revoked');
    expect((await mails()).at(-1)).toMatchObject({ kind: 'access_revoked', reason: 'REFUNDED' });
    await tillkey.call('POST', `/api/v1/customers/${license.customerId}/ban`);
    await tell(event('refund.failed', { id: `re_${n}`, charge: `ch_${n}`, payment_intent: `pi_${n}`, amount: 900, status: 'failed' }, { created: began + 3 }));
    expect((await eventsOf(license.id)).at(-1)).toBe('reinstated');
    expect((await mails()).at(-1)).toMatchObject({ kind: 'access_revoked' });
  });

  test('the end of a subscription under REVOKE revokes, unless the vendor put it off', async () => {
    for (const extended of [false, true]) {
      open('price_revoking');
      for (const sent of first.events) await tell(sent);
      const [license] = await licenses();
      if (extended) await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { expiresAt: inDays(90) } });
      await tell(at('customer.subscription.deleted', moved({ status: 'canceled', ended_at: second(1) }), 1), inDays(1));
      expect((await sql('select billing_state from licenses where id = ?', [license.id]))[0].billing_state).toBe(extended ? 'ENDED' : 'REVOKED');
      if (extended) await settleAll(inDays(91));
      expect((await eventsOf(license.id)).slice(-2)).toEqual(['expired', 'revoked']);
    }
  });

  test('an end that time is telling at the same moment is not told again', async () => {
    for (const sent of first.events) await tell(sent);
    const [license] = await licenses();
    await withRival(tillkey.databaseUrl, async ({ run, commitOnce }) => {
      await run(`update licenses set told_status = 'expired' where id = $1`, [license.id]);
      await commitOnce(tell(at('customer.subscription.deleted', moved({ status: 'canceled', ended_at: second(0) }), 0)));
    });
    expect(await eventsOf(license.id)).toEqual(['created', 'updated']);
  });

  test('a suspension stays until billing lifts it: no verb of the vendor says that the license is back', async () => {
    for (const sent of first.events) await tell(sent);
    await tell(at('customer.subscription.updated', moved({ status: 'paused' }), 1), inDays(1));
    const [license] = await licenses();
    await tillkey.call('POST', `/api/v1/licenses/${license.id}/reinstate`);
    await tell(at('customer.subscription.updated', moved({ status: 'active' }), 2), inDays(2));
    expect(await eventsOf(license.id)).toEqual(['created', 'suspended', 'updated', 'reinstated']);
  });

  test('a scheduled cancellation is mailed with the end that the vendor gave, where that is later', async () => {
    for (const sent of first.events) await tell(sent);
    const [license] = await licenses();
    await tillkey.call('PATCH', `/api/v1/licenses/${license.id}`, { body: { expiresAt: inDays(90) } });
    await tell(event('customer.subscription.updated', moved({ cancel_at_period_end: true }), { created: began + 1 }));
    const [{ expiresAt }] = await licenses();
    expect((await mails()).at(-1)).toEqual({ kind: 'cancellation_scheduled', licenseIds: 1, endsAt: expiresAt });
  });

  test('what somebody has to look at is told', async () => {
    await tell(event('customer.subscription.updated', moved({ status: 'dancing' })));
    const told = await sql(`select data from events where type = 'stripe.event_needs_attention' and data->>'objectId' = ?`, [`sub_${n}`]);
    expect(told.map(({ data }) => data)).toMatchObject([{ type: 'customer.subscription.updated', outcome: 'needs_attention', reason: expect.stringContaining('dancing') }]);
  });
});
