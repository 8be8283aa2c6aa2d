import { z } from 'zod';
import type { Database, Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { WebhookEndpointRow } from '../database/webhook-rows.ts';
import { giveUpDeliveries } from '../deliveries.ts';
import type { Result } from '../errors.ts';
import { changeWebhook } from './change-webhook.ts';
import { webhookFields } from './create-webhook.ts';

export const webhookChange = webhookFields.partial().extend({ enabled: z.boolean().optional() });

/** Changes what the request names. Whoever enables an endpoint or gives it another URL has mended it: its failures are forgotten. */
export async function updateWebhook(
  database: Database,
  place: { scope: Scope; id: string },
  { enabled, ...given }: z.output<typeof webhookChange>,
  now: Date,
): Promise<Result<WebhookEndpointRow>> {
  return changeWebhook(database, place, async (endpoint, tx) => {
    Object.assign(endpoint, given);
    if (enabled === true || given.url !== undefined) endpoint.failingSince = null;
    if (enabled === true) Object.assign(endpoint, { disabledAt: null, disabledReason: null });
    if (enabled === false && endpoint.disabledAt === null) await disable(tx, endpoint, now);
  }, now);
}

async function disable(tx: Transaction, endpoint: WebhookEndpointRow, now: Date): Promise<void> {
  Object.assign(endpoint, { disabledAt: now, disabledReason: 'disabled by its owner' });
  await giveUpDeliveries(tx, endpoint.id, 'given up: the endpoint was disabled by its owner', now);
}
