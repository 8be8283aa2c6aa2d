import { randomUUID } from 'node:crypto';
import { sightingOf } from '../../src/billing/core/read-stripe.ts';
import { storeSighting } from '../../src/billing/store.ts';
import { hashApiKey } from '../../src/database/api-keys.ts';
import { inTransaction } from '../../src/database/orm.ts';
import { asJson, type Asked, type Heard } from './ask.ts';
import { subscription } from './facts.ts';
import type { TestService } from './service.ts';
import { deliver, event } from './webhook.ts';

/** One of everything that routes act on, in the scope of an API key. */
export type World = {
  productId: string;
  policyId: string;
  entitlementId: string;
  licenseId: string;
  licenseKey: string;
  machineId: string;
  fingerprint: string;
  customerId: string;
  mappingId: string;
  stripeEventId: string;
  stripeSubscriptionId: string;
  eventId: string;
  apiKeyId: string;
  webhookId: string;
  deliveryId: string;
  messageId: string;
  /** Differs in every world: names that must be unique are made of it. */
  mark: string;
};

type Ask = (asked: Asked) => Promise<Heard>;

export async function createWorld(tillkey: TestService, ask: Ask, key: string): Promise<World> {
  const mark = randomUUID().slice(0, 13);
  const send = async (method: string, path: string, body?: object) => {
    const { status, body: answer, text } = await ask({ method, path: `/api/v1${path}`, headers: asJson(key), ...(body && { body: JSON.stringify(body) }) });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return answer.data;
  };
  // Worlds of a scope share an endpoint, as there may not be many. Nobody listens at port 1: what it is owed stays owed.
  const [left] = await send('GET', '/webhooks');
  const webhook = left ?? (await send('POST', '/webhooks', { url: 'http://127.0.0.1:1/hooks' }));
  await send('PATCH', `/webhooks/${webhook.id}`, { events: ['license.created'], enabled: true });
  const product = await send('POST', '/products', { name: `Acme ${mark}`, code: `P-${mark}` });
  const policy = await send('POST', '/policies', { productId: product.id, name: `Pro ${mark}` });
  const entitlement = await send('POST', '/entitlements', { code: `export-${mark}`, name: 'Export' });
  const license = await send('POST', '/licenses', { policyId: policy.id, userEmail: `jo-${mark}@example.com`, name: `License ${mark}`, expiresAt: '2031-01-01T00:00:00Z' });
  const fingerprint = `fingerprint-${mark}`;
  const machine = await send('POST', '/machines', { licenseId: license.id, fingerprint });
  const mapping = await send('POST', '/stripe-mappings', { policyId: policy.id, stripePriceId: `price_${mark}` });
  const apiKey = await send('POST', '/api-keys', { name: `Key ${mark}` });
  const [event] = await send('GET', `/events?licenseId=${license.id}`);
  const [delivery] = await send('GET', `/webhooks/${webhook.id}/deliveries`);
  const { messageId } = await send('POST', `/customers/${license.customerId}/portal-link`, { sendEmail: true });
  return {
    productId: product.id, policyId: policy.id, entitlementId: entitlement.id, licenseId: license.id, licenseKey: license.key,
    machineId: machine.id, fingerprint, customerId: license.customerId, mappingId: mapping.id, stripeEventId: await storeEvent(tillkey), stripeSubscriptionId: await storeSubscription(tillkey, mark),
    eventId: event.id, apiKeyId: apiKey.id, webhookId: webhook.id, deliveryId: delivery.id, messageId, mark,
  };
}

/** A Stripe event of a type that changes nothing, in the default account's test data. */
async function storeEvent(tillkey: TestService): Promise<string> {
  const sent = event('product.created', { id: `prod_${randomUUID()}` });
  const { status } = await deliver(tillkey.url, sent);
  if (status !== 200) throw new Error(`the webhook answered ${status}`);
  return sent.id;
}

/** What Stripe told of a subscription in the default account's test data, put straight into the database: it needs no worker. */
async function storeSubscription({ service }: TestService, mark: string): Promise<string> {
  const id = `sub_${mark.replace('-', '')}`;
  const scope = service.dependencies.scopes.find(({ mode }) => mode === 'test')!;
  const sighting = sightingOf(subscription({ id, customerId: null, items: [] }), new Date());
  await inTransaction(service.dependencies.database, (tx) => storeSighting(tx, scope, sighting, new Date()));
  return id;
}

/** An API key put straight into the database: of another account, or one that the API would not make. */
export async function insertApiKey({ service }: TestService, { scopeId, scopes = [], expiresAt = null, deletedAt = null }: { scopeId: number; scopes?: string[]; expiresAt?: string | null; deletedAt?: string | null }): Promise<string> {
  const key = `lk_test_${randomUUID().replaceAll('-', '')}`;
  await service.dependencies.database.em.fork().execute(
    `insert into api_keys (id, scope_id, name, prefix, hash, scopes, expires_at, deleted_at, created_at) values (?, ?, 'test', ?, decode(?, 'hex'), ?::text[], ?, ?, now())`,
    [randomUUID(), scopeId, key.slice(0, 12), hashApiKey(key).toString('hex'), `{${scopes.join(',')}}`, expiresAt, deletedAt],
  );
  return key;
}

/** A second account, with a test side of its own. */
export async function insertAccount({ service }: TestService): Promise<{ scopeId: number }> {
  const em = service.dependencies.database.em.fork();
  const accountId = randomUUID();
  await em.execute(`insert into accounts (id, slug, name, created_at) values (?, ?, 'Other', now())`, [accountId, `other-${accountId.slice(0, 8)}`]);
  const [scope] = await em.execute<{ id: number }[]>(`insert into scopes (account_id, mode) values (?, 'test') returning id`, [accountId]);
  return { scopeId: scope!.id };
}
