import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { lockEvent } from '../inbox.ts';
import type { Licensing } from '../licensing/licensing.ts';
import type { AppliedPurchase } from './apply-purchase.ts';
import { applySightings } from './apply-sightings.ts';
import type { StripeFact } from './core/facts.ts';
import { nameOf } from './core/mapping.ts';
import { namesOf } from './core/names.ts';
import { finding, type Finding, inGeneral, untoldCodes } from './core/outcome.ts';
import type { ReadEvent } from './core/read-stripe.ts';
import type { Sighting } from './core/sighting.ts';
import { lockFacts } from './lock-facts.ts';
import { stampEvent } from './stamp-events.ts';

/** What the edge does after the commit: send these messages. */
export type AppliedEvent = { finding: Finding | null; messageIds: string[] };

/** What Stripe's API said of an event's objects before it is applied. Null: there is no API key, and nobody was asked. */
export type Fetched = Sighting[] | null;

/** News that is older than this when it is applied, backfilled or replayed, changes licenses, but customers are mailed only their keys (section 6). */
const OLD_MS = 48 * 3_600_000;

const done: AppliedEvent = { finding: null, messageIds: [] };

/**
 * THE transaction for an event: lock it and every Stripe object it bears on, store the facts, project each purchase they
 * bear on, write licenses and messages, stamp the outcome. All of it is committed, or none. An event that is done already
 * changes nothing. How old its news is goes by real time: in a rehearsal all dates lie ahead.
 */
export async function applyStripeEvent(
  licensing: Licensing,
  { scope, eventId, read, realNow }: { scope: Scope; eventId: string; read: ReadEvent; realNow: Date },
  fetched: Fetched,
  now: Date,
): Promise<AppliedEvent> {
  return lockFacts(licensing.database, { scope, facts: factsIn(read, fetched), ids: [] }, async (tx) => {
    const event = await lockEvent(tx, { scopeId: scope.id, id: eventId });
    // What is still due was told more of meanwhile: the classic event has taken the place of the thin one that was read.
    const toldMore = !read.ok && untoldCodes.includes(read.finding.code) && event?.thin === false;
    if (event === null || event.processedAt !== null || toldMore) return done;
    const keysOnly = realNow.getTime() - event.createdAt.getTime() > OLD_MS;
    const applied = await applyReadEvent(tx, licensing, { scope, read, fetched, keysOnly }, now);
    await stampEvent(tx, event, applied, now);
    return { finding: applied.finding, messageIds: applied.purchases.flatMap(({ messageIds }) => messageIds) };
  });
}

/** All facts that are now told, by the event and by Stripe's API. */
export function factsIn(read: ReadEvent, fetched: Fetched): StripeFact[] {
  return [...(read.ok ? [read.sighting] : []), ...(fetched ?? [])].map(({ fact }) => fact);
}

/** What an event came to: its own finding and purchase, and every purchase it bore on. */
export type AppliedReading = { finding: Finding; purchaseId: string | null; purchases: AppliedPurchase[] };

/** Applies what an event says, in the caller's transaction, which holds the locks of its facts. */
export async function applyReadEvent(
  tx: Transaction,
  licensing: Omit<Licensing, 'database'>,
  { scope, read, fetched, keysOnly = false }: { scope: Scope; read: ReadEvent; fetched: Fetched; keysOnly?: boolean },
  now: Date,
): Promise<AppliedReading> {
  if (!read.ok) return { finding: read.finding, purchaseId: null, purchases: [] };
  const { fact } = read.sighting;
  const purchases = await applySightings(tx, licensing, { scope, sightings: [read.sighting, ...(fetched ?? [])], keysOnly }, now);
  const own = purchases.find(({ factIds }) => factIds.includes(fact.id));
  return { finding: findingFor(fact, { own, purchases, asked: fetched !== null }), purchaseId: own?.purchaseId ?? null, purchases };
}

type Context = { own: AppliedPurchase | undefined; purchases: AppliedPurchase[]; asked: boolean };

/** What an event came to: its purchase's finding, unless it tells of a payment that came too late, or of one that paid for nothing known. */
function findingFor(fact: StripeFact, { own, purchases, asked }: Context): Finding {
  if (purchases.some(({ paidAfterEnd }) => paidAfterEnd.includes(fact.id))) return finding('paid_after_end', fact.id);
  if (own) return shows(fact, own.finding) ? own.finding : inGeneral(own.finding);
  const [payment] = namesOf(fact).paymentIds;
  if (payment === undefined) return finding('noted');
  return finding(asked ? 'payment_unknown' : 'payment_unlinked', payment);
}

/** Whether an event shows a price that a finding names. */
function shows(fact: StripeFact, { subject }: Finding): boolean {
  return fact.kind === 'subscription' && fact.items.some((item) => subject.split(', ').includes(nameOf(item)));
}
