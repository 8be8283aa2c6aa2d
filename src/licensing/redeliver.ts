import { LockMode } from '@mikro-orm/core';
import { type Database, inTransaction } from '../database/orm.ts';
import { rowOf, type Scope } from '../database/scope.ts';
import { WebhookDelivery } from '../database/webhook-rows.ts';
import { oweAgain } from '../deliveries.ts';
import { notFound, refuse, type Result } from '../errors.ts';
import { type DeliveryDetails, readDelivery } from './read-deliveries.ts';
import { readWebhook } from './read-webhooks.ts';

/** Has an event delivered again, whatever came of it before: the same event under the same id, with all attempts before it. */
export async function redeliver(database: Database, scope: Scope, id: string): Promise<Result<DeliveryDetails>> {
  const owed = await inTransaction(database, async (tx) => {
    const delivery = await tx.findOne(WebhookDelivery, rowOf(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (delivery === null) return notFound();
    const endpoint = await readWebhook(database, scope, delivery.endpointId);
    if (!endpoint.ok) return endpoint;
    if (endpoint.value.disabledAt !== null) return refuse('CONFLICT', `The endpoint is disabled: ${endpoint.value.disabledReason ?? ''}. Enable it first: PATCH /webhooks/${endpoint.value.id} {"enabled": true}.`);
    await oweAgain(tx, delivery);
    return { ok: true } as const;
  });
  return owed.ok ? readDelivery(database, scope, id) : owed;
}
