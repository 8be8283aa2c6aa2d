import type { CustomerRow, LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { givenUpMessages, writeMessage } from '../outbox.ts';

/**
 * Owes the customer one mail with the keys that were not mailed yet, in the caller's transaction. Each license names the
 * message that mails its key, so a key is mailed once whatever comes again; a message that was given up does not count, and
 * the next event of the purchase, or a replay, owes it anew. Returns the message's id, or null.
 */
export async function deliverKeys(
  tx: Transaction,
  order: { scope: Scope; customer: Pick<CustomerRow, 'email'>; licenses: LicenseRow[] },
  now: Date,
): Promise<string | null> {
  const givenUp = await givenUpMessages(tx, order.licenses.flatMap(({ keyMessageId }) => keyMessageId ?? []));
  const unmailed = order.licenses.filter(({ keyMessageId }) => keyMessageId === null || givenUp.has(keyMessageId));
  if (unmailed.length === 0) return null;
  const data = { licenseIds: unmailed.map(({ id }) => id) };
  const messageId = writeMessage(tx, order.scope, { kind: 'key_delivery', recipient: order.customer.email, data }, now);
  for (const license of unmailed) license.keyMessageId = messageId;
  return messageId;
}
