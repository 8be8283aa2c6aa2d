import { sql } from 'kysely';
import { Account } from '../database/account-rows.ts';
import { type Database, inTransaction, query } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { giveUpDeliveries } from '../deliveries.ts';
import { writeMessage } from '../outbox.ts';

/** Why an endpoint takes no webhooks any more at `url`: what is found out of one that it had before says nothing of it. `failingSinceBefore`: only if it has been failing for so long and still is. */
type Reason = { endpointId: string; url: string; scope: Scope; reason: string; failingSinceBefore?: Date };

/**
 * Disables an endpoint that cannot be delivered to, gives up what it was owed, and owes its vendor a mail; to `fallback`, where they left no address. Returns
 * the mail's id. Null: somebody else did, or it works again.
 */
export async function disableWebhook(database: Database, { endpointId, url, scope, reason, failingSinceBefore }: Reason, fallback: string, now: Date): Promise<string | null> {
  return inTransaction(database, async (tx) => {
    const [disabled] = await query(tx, sql`
      update webhook_endpoints set disabled_at = ${now}, disabled_reason = ${reason}, updated_at = ${now}
      where id = ${endpointId} and url = ${url} and disabled_at is null and deleted_at is null and (${failingSinceBefore ?? null}::timestamptz is null or failing_since <= ${failingSinceBefore ?? null}::timestamptz)
      returning id`);
    if (!disabled) return null;
    await giveUpDeliveries(tx, endpointId, `given up: the endpoint was disabled, as ${reason}`, now);
    const { contactEmail, supportEmail } = await tx.findOneOrFail(Account, { id: scope.accountId });
    return writeMessage(tx, scope, { kind: 'endpoint_disabled', recipient: contactEmail ?? supportEmail ?? fallback, data: { endpointId, reason } }, now);
  });
}
