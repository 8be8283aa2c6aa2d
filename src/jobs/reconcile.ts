import { receiveEvents } from '../billing/receive-events.ts';
import { receiveSubscriptions } from '../billing/receive-subscriptions.ts';
import { readEnvelope } from '../billing/core/envelope.ts';
import { stripeEventTypes } from '../billing/core/read-stripe.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { AppError } from '../errors.ts';
import type { EventRef } from '../inbox.ts';
import type { Queues } from '../queues.ts';
import { keepCursor, readCursor, type ReconciliationKind } from '../reconciliations.ts';
import type { StripeLists } from '../stripe-lists.ts';

/**
 * Goes through what Stripe lists and puts into the inbox what is missing there, page by page. It may stop anywhere and be done
 * again, also by two at once: an event is stored once, and a subscription that is as stored tells nothing.
 */

export type ReconcileDependencies = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'> };

/** Whose sales are gone through. `since`: what was sold before is left alone; null: nothing is. */
type Reach = { scope: Scope; since: Date | null };

/** What has been gone through so far, and how much of it was news. */
type Progress = { listed: number; received: number };

/** Hears of each page. It may throw to stop. */
type Tell = (progress: Progress) => void | Promise<void>;

export const reconciliations: Record<ReconciliationKind, typeof reconcileEvents> = { events: reconcileEvents, subscriptions: reconcileSubscriptions };

/** Types that Stripe lists in one call. */
const MOST_TYPES = 20;

async function reconcileEvents(dependencies: ReconcileDependencies, { scope, since }: Reach, stripe: StripeLists, tell: Tell): Promise<Progress> {
  let progress: Progress = { listed: 0, received: 0 };
  for (let first = 0; first < stripeEventTypes.length; first += MOST_TYPES) {
    const types = stripeEventTypes.slice(first, first + MOST_TYPES);
    for await (const payloads of newerEvents(dependencies, { scope, types, stripe })) {
      const received = await receiveEvents(dependencies.database, { scope, payloads, since }, dependencies.clock.now());
      progress = await advance(dependencies, progress, { listed: payloads.length, received });
      await tell(progress);
    }
  }
  return progress;
}

type Listing = { scope: Scope; types: readonly string[]; stripe: StripeLists };

/** Stripe may list an event later than one that happened after it: the cursor stays this far behind. */
const OVERLAP_MS = 10 * 60_000;

/** The pages since the cursor, oldest first; the cursor follows once a page has been dealt with. */
async function* newerEvents({ database, clock }: ReconcileDependencies, { scope, types, stripe }: Listing): AsyncGenerator<string[]> {
  let after = await readCursor(database, scope, types);
  for (;;) {
    const page = after === null ? await oldestEvent(stripe, types) : await stripe.events(types, { after });
    if (page === null) {
      after = null;
      continue;
    }
    yield page.payloads;
    const envelopes = page.payloads.map(readEnvelope).filter((envelope) => envelope !== null);
    const settledBefore = clock.now().getTime() - OVERLAP_MS;
    const settled = envelopes.findLast(({ createdAt }) => createdAt.getTime() <= settledBefore);
    if (settled) await keepCursor(database, { scope, types, eventId: settled.id });
    const last = envelopes.at(-1)?.id;
    if (!page.more || last === undefined) return;
    after = last;
  }
}

/** The oldest event that Stripe still tells of: at most thirty days old. Its list goes back from the newest. */
async function oldestEvent(stripe: StripeLists, types: readonly string[]): Promise<{ payloads: string[]; more: boolean }> {
  let oldest: string[] = [];
  let before: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<StripeLists['events']>> = await stripe.events(types, { before });
    if (page === null || page.payloads.length === 0) return { payloads: oldest, more: oldest.length > 0 };
    oldest = page.payloads.slice(0, 1);
    before = readEnvelope(page.payloads[0] ?? '')?.id ?? null;
    if (!page.more || before === null) return { payloads: oldest, more: true };
  }
}

async function reconcileSubscriptions(dependencies: ReconcileDependencies, { scope, since }: Reach, stripe: StripeLists, tell: Tell): Promise<Progress> {
  let progress: Progress = { listed: 0, received: 0 };
  let after: string | null = null;
  for (;;) {
    const listedAt = dependencies.clock.now();
    const page: Awaited<ReturnType<StripeLists['subscriptions']>> = await stripe.subscriptions(after);
    if (page === null) throw new AppError('STRIPE_UNREACHABLE', 503, 'Stripe did not list the subscriptions.');
    const received = await receiveSubscriptions(dependencies.database, { scope, subscriptions: page.subscriptions, since }, listedAt);
    progress = await advance(dependencies, progress, { listed: page.subscriptions.length, received });
    await tell(progress);
    after = page.subscriptions.at(-1)?.id ?? null;
    if (!page.more || after === null) return progress;
  }
}

async function advance({ queues }: ReconcileDependencies, { listed, received }: Progress, page: { listed: number; received: EventRef[] }): Promise<Progress> {
  for (const ref of page.received) await queues.enqueue('stripe-events', ref);
  return { listed: listed + page.listed, received: received + page.received.length };
}
