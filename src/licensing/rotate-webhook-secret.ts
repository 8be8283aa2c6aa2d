import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Sealing } from '../database/sealing.ts';
import type { WebhookEndpointRow } from '../database/webhook-rows.ts';
import { ok, type Result } from '../errors.ts';
import { changeWebhook } from './change-webhook.ts';
import { mintWebhookSecret } from './webhook-secret.ts';

const OVERLAP_MS = 24 * 3_600_000;

/** As many sign at once: who rotates more often has lost the answers, and uses none of them. */
const MOST_FORMER = 3;

/** Gives an endpoint a new secret, which this answer alone has. The one it had signs beside it for a day, also where another takes its place before. */
export async function rotateWebhookSecret(
  { database, webhookSecrets }: { database: Database; webhookSecrets: Sealing },
  place: { scope: Scope; id: string },
  now: Date,
): Promise<Result<WebhookEndpointRow & { secret: string }>> {
  const secret = mintWebhookSecret();
  const changed = await changeWebhook(database, place, async (endpoint) => {
    const former = { sealed: Buffer.from(endpoint.secretSealed).toString('base64'), until: new Date(now.getTime() + OVERLAP_MS).toISOString() };
    endpoint.formerSecrets = [former, ...endpoint.formerSecrets.filter(({ until }) => new Date(until) > now)].slice(0, MOST_FORMER);
    endpoint.secretSealed = webhookSecrets.seal(secret);
  }, now);
  return changed.ok ? ok({ ...changed.value, secret }) : changed;
}
