import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Sealing } from '../database/sealing.ts';
import type { WebhookEndpointRow } from '../database/webhook-rows.ts';
import { type Attempted, type Claimed, claimDelivery, giveUpIfClosed, noteHealth, recordAttempt } from '../deliveries.ts';
import { disableWebhook } from '../licensing/disable-webhook.ts';
import type { Logger } from '../logger.ts';
import type { Queues } from '../queues.ts';
import type { WebhookClient } from '../webhook-client.ts';
import { dueUnlessDone, MOST_WEBHOOK_ATTEMPTS, SWEEP_MS, webhookWaitMs } from './backoff.ts';
import { bodyOf, headersOf } from './webhook-request.ts';

export type DeliverDependencies = {
  config: { MAIL_FROM: string };
  database: Database;
  clock: Clock;
  log: Logger;
  queues: Pick<Queues, 'enqueue'>;
  webhookSecrets: Sealing;
  webhookClient: Pick<WebhookClient, 'post'>;
  scopeOf: (scopeId: number) => Promise<Scope>;
};

/** An endpoint that fails for so long, without a success, is disabled. */
const FAILING_MS = 5 * 86_400_000;
const GONE = 410;

/** One attempt at the delivery that an endpoint is owed longest. False: none is due. */
export async function deliverNext(dependencies: DeliverDependencies, endpointId: string, onClaimed: () => void): Promise<boolean> {
  const { database, clock } = dependencies;
  const claimed = await claimDelivery(database, endpointId, dueUnlessDone(clock.now()), clock.now());
  if (claimed === null) return false;
  onClaimed();
  const closed = whyClosed(claimed.endpoint);
  if (closed === null) await attempt(dependencies, claimed);
  else await giveUpIfClosed(database, endpointId, closed, clock.now());
  return true;
}

/** What was owed while the endpoint was being closed is still there. */
function whyClosed({ deletedAt, disabledAt, disabledReason }: WebhookEndpointRow): string | null {
  if (deletedAt !== null) return 'given up: the endpoint was deleted';
  return disabledAt === null ? null : `given up: the endpoint was disabled, as ${disabledReason ?? 'its owner wished'}`;
}

async function attempt(dependencies: DeliverDependencies, claimed: Claimed): Promise<void> {
  const { database, clock, log, queues } = dependencies;
  const { id, attempts, event, endpoint } = claimed;
  const scope = await dependencies.scopeOf(event.scopeId);
  const attempted = await send(dependencies, claimed, scope);
  await recordAttempt(database, claimed, attempted, clock.now());
  await noteHealth(database, endpoint.id, attempted.error !== null, clock.now());
  const { status, error, retryAt } = attempted;
  if (error === null) return log.info({ deliveryId: id, status }, 'webhook delivered');
  log.warn({ deliveryId: id, attempts, error, givenUp: retryAt === null }, 'webhook not delivered');
  await closeIfHopeless(dependencies, { endpoint, scope, status });
  const waitMs = retryAt === null ? Infinity : retryAt.getTime() - clock.now().getTime();
  // What is due later the sweep finds, and the queue need not hold it for days.
  if (waitMs < SWEEP_MS) await queues.enqueue('deliveries', { endpointId: endpoint.id }, waitMs);
}

async function send({ clock, webhookSecrets, webhookClient }: DeliverDependencies, { attempts, event, endpoint }: Claimed, scope: Scope): Promise<Attempted> {
  const body = bodyOf(event, scope.mode);
  const headers = headersOf({ id: event.id, body, secrets: secretsOf(endpoint, webhookSecrets, clock.now()) }, clock.now());
  const began = performance.now();
  const answered = await webhookClient.post({ url: endpoint.url, headers, body });
  const durationMs = Math.round(performance.now() - began);
  const { status, excerpt } = 'error' in answered ? { status: null, excerpt: null } : answered;
  const error = 'error' in answered ? answered.error : faultOf(answered.status);
  const again = error !== null && status !== GONE && attempts < MOST_WEBHOOK_ATTEMPTS;
  const retryAt = again ? new Date(clock.now().getTime() + webhookWaitMs(attempts, Math.random())) : null;
  return { status, excerpt, error, durationMs, retryAt };
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? `answered ${status}: redirects are not followed` : `answered ${status}`;
}

function secretsOf({ secretSealed, formerSecrets }: WebhookEndpointRow, sealing: Sealing, now: Date): [string, ...string[]] {
  const overlapping = formerSecrets.filter(({ until }) => now < new Date(until));
  return [sealing.open(secretSealed), ...overlapping.map(({ sealed }) => sealing.open(Buffer.from(sealed, 'base64')))];
}

async function closeIfHopeless(dependencies: DeliverDependencies, { endpoint, scope, status }: { endpoint: WebhookEndpointRow; scope: Scope; status: number | null }): Promise<void> {
  const { config, database, clock, log, queues } = dependencies;
  const now = clock.now();
  const failingSinceBefore = new Date(now.getTime() - FAILING_MS);
  const place = { endpointId: endpoint.id, url: endpoint.url, scope };
  const hopeless = status === GONE ? { ...place, reason: 'it answered 410 (gone)' } : { ...place, reason: 'every attempt of the last 5 days failed', failingSinceBefore };
  if (status !== GONE && (endpoint.failingSince === null || endpoint.failingSince > failingSinceBefore)) return;
  const messageId = await disableWebhook(database, hopeless, addressIn(config.MAIL_FROM), now);
  if (messageId === null) return;
  log.warn({ endpointId: endpoint.id, reason: hopeless.reason }, 'webhook endpoint disabled');
  await queues.enqueue('messages', { id: messageId });
}

function addressIn(sender: string): string {
  return /<([^>]+)>/.exec(sender)?.[1] ?? sender;
}
