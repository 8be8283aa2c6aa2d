import { StripeEvent } from '../database/exchange-rows.ts';
import { type Database, reading, type Transaction, undoing } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { Licensing } from '../licensing/licensing.ts';
import { licensesOfPurchases } from '../licensing/read-licenses.ts';
import { type OwedMessage, readMessages } from '../outbox.ts';
import { applyReadEvent, type Fetched, factsIn } from './apply-stripe-event.ts';
import type { Finding } from './core/outcome.ts';
import type { ReadEvent } from './core/read-stripe.ts';
import { type LicenseChange, stateOf } from './license-state.ts';
import { lockFacts } from './lock-facts.ts';

/** What an event would come to: the licenses of every purchase it bears on, changed or not, and the messages it would owe. */
export type EventPreview = { finding: Finding; licenses: LicenseChange[]; messages: OwedMessage[] };

/**
 * What an event would come to if it were applied now, whether it was before or not: its very transaction, under the same
 * locks, taken back. Nothing of it stays.
 */
export async function previewEvent(
  licensing: Licensing,
  { scope, read }: { scope: Scope; read: ReadEvent },
  fetched: Fetched,
  now: Date,
): Promise<EventPreview> {
  return lockFacts(licensing.database, { scope, facts: factsIn(read, fetched), ids: [] }, async (tx) => {
    const statesOf = async (within: Transaction, purchaseIds: string[]) => {
      const found = await licensesOfPurchases(within, scope, { purchaseIds });
      return found.map((license) => ({ id: license.id, state: stateOf(license, licensing.slackHours, now) }));
    };
    const applied = await undoing(tx, async (inner) => {
      const { finding, purchases } = await applyReadEvent(inner, licensing, { scope, read, fetched }, now);
      // A license of an invoice stays one when a session turns out to have written the invoice.
      const purchaseIds = purchases.flatMap(({ purchaseId, factIds }) => [purchaseId, ...factIds]);
      const messages = await readMessages(inner, purchases.flatMap(({ messageIds }) => messageIds));
      return { finding, purchaseIds, messages, after: await statesOf(inner, purchaseIds) };
    });
    const before = new Map((await statesOf(tx, applied.purchaseIds)).map(({ id, state }) => [id, state]));
    const licenses = applied.after.map(({ id, state }) => ({ id, before: before.get(id) ?? null, after: state }));
    return { finding: applied.finding, licenses, messages: applied.messages };
  });
}

/** The bytes of an event in the inbox. */
export async function readEventPayload(database: Database, scope: Scope, id: string): Promise<Result<string>> {
  const event = await reading(database).findOne(StripeEvent, { scopeId: scope.id, id }, { populate: ['payload'] });
  return event ? ok(event.payload) : notFound();
}
