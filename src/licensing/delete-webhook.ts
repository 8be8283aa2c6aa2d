import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { giveUpDeliveries } from '../deliveries.ts';
import type { Result } from '../errors.ts';
import { changeWebhook } from './change-webhook.ts';

/** Deletes an endpoint. What it was still owed is given up. */
export async function deleteWebhook(database: Database, place: { scope: Scope; id: string }, now: Date): Promise<Result<unknown>> {
  return changeWebhook(database, place, async (endpoint, tx) => {
    endpoint.deletedAt = now;
    await giveUpDeliveries(tx, endpoint.id, 'given up: the endpoint was deleted', now);
  }, now);
}
