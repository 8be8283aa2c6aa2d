import { LockMode } from '@mikro-orm/core';
import { type Database, inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { WebhookEndpoint, type WebhookEndpointRow } from '../database/webhook-rows.ts';
import { notFound, ok, type Result } from '../errors.ts';

/** Changes one endpoint, in a transaction that locks its row. */
export async function changeWebhook(
  database: Database,
  { scope, id }: { scope: Scope; id: string },
  change: (endpoint: WebhookEndpointRow, tx: Transaction) => Promise<void>,
  now: Date,
): Promise<Result<WebhookEndpointRow>> {
  return inTransaction(database, async (tx) => {
    const endpoint = await tx.findOne(WebhookEndpoint, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (endpoint === null) return notFound();
    await change(endpoint, tx);
    endpoint.updatedAt = now;
    return ok(endpoint);
  });
}
