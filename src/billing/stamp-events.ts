import { StripeEvent, type StripeEventRow } from '../database/exchange-rows.ts';
import { type Database, inTransaction, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { type EventRef, lockEvent } from '../inbox.ts';
import { recordEvents } from '../licensing/record-event.ts';
import { describeFinding, finding as findingOf, type Finding, inGeneral, provisionalCodes } from './core/outcome.ts';

/** What events of Stripe came to, written on them, and told where somebody has to look at it. */

/** Marks an event done, in the transaction that did it. */
export async function stampEvent(tx: Transaction, event: StripeEventRow, { finding, purchaseId }: { finding: Finding; purchaseId: string | null }, now: Date): Promise<void> {
  Object.assign(event, describeFinding(finding), { purchaseId, processedAt: now, dueAt: null, lastError: null });
  await tx.flush();
  await tellAttention(tx, [event], now);
}

type Standing = { purchaseId: string; factIds: string[]; finding: Finding; paidAfterEnd: string[] };

/**
 * Stamps anew the events of a purchase, and of whatever turned out to be part of it, whose finding was provisional, and those
 * whose payment turns out to have come too late.
 */
export async function restampPurchase(tx: Transaction, scope: Scope, { purchaseId, factIds, finding, paidAfterEnd }: Standing, now: Date): Promise<void> {
  const ofPurchase = { scopeId: scope.id, $or: [{ purchaseId }, { objectId: { $in: factIds } }] };
  if (finding.code === 'price_change_unmapped') {
    // What showed nothing but the unmapped price, before anything else was known, showed the move to it.
    await restamp(tx, { scopeId: scope.id, objectId: purchaseId, reasonCode: 'price_unmapped' }, { finding, purchaseId }, now);
  }
  const settled = provisionalCodes.filter((code) => code !== 'price_change_unmapped' || code !== finding.code);
  await tx.nativeUpdate(StripeEvent, { ...ofPurchase, reasonCode: { $in: settled } }, { ...describeFinding(inGeneral(finding)), purchaseId });
  for (const objectId of paidAfterEnd) {
    await restamp(tx, { scopeId: scope.id, purchaseId, objectId, outcome: 'applied' }, { finding: findingOf('paid_after_end', objectId), purchaseId }, now);
  }
}

/** Events whose finding turns into one that somebody has to look at: each is told. */
async function restamp(tx: Transaction, where: object, { finding, purchaseId }: { finding: Finding; purchaseId: string }, now: Date): Promise<void> {
  const events = await tx.find(StripeEvent, where);
  for (const event of events) Object.assign(event, describeFinding(finding), { purchaseId });
  await tx.flush();
  await tellAttention(tx, events, now);
}

/** Gives an event up: visible, counted, told and replayable. */
export async function giveUpEvent(database: Database, ref: EventRef, error: string, now: Date): Promise<void> {
  await inTransaction(database, async (tx) => {
    const event = await lockEvent(tx, ref);
    if (event === null || event.processedAt !== null) return;
    Object.assign(event, describeFinding(findingOf('attempts_exhausted', error)), { processedAt: now, dueAt: null, lastError: error });
    await tx.flush();
    await tellAttention(tx, [event], now);
  });
}

async function tellAttention(tx: Transaction, events: StripeEventRow[], now: Date): Promise<void> {
  const waiting = events.filter(({ outcome }) => outcome === 'needs_attention' || outcome === 'failed');
  await recordEvents(tx, waiting.map(({ scopeId, id, type, objectId, outcome, reason, createdAt, receivedAt }) => ({
    scopeId, type: 'stripe.event_needs_attention', licenseId: null, data: { id, type, objectId, outcome, reason, createdAt, receivedAt },
  })), now);
}
