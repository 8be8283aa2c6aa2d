import type { Scope } from '../database/scope.ts';
import type { Logger } from '../logger.ts';
import { claimReconciliation, dueAfterStart, endReconciliation, expectReconciliation, keepReconciliation, type ReconciliationKind } from '../reconciliations.ts';
import type { StripeLists } from '../stripe-lists.ts';
import { attempt } from './attempt.ts';
import { type ReconcileDependencies, reconciliations } from './reconcile.ts';

/** When reconciliation runs: the queue only wakes it, and the database knows what is due and who is at it. */

export type ClockDependencies = ReconcileDependencies & {
  log: Logger;
  /** The scopes that a Stripe key is known for. */
  stripeScopes: () => Promise<Scope[]>;
  stripeOf: (scope: Scope) => Promise<StripeLists | null>;
};

const kinds = ['events', 'subscriptions'] as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** In UTC. */
const NIGHT_HOUR = 3;

/** A run is due when the last one is as old as this. */
export function lastDue(kind: ReconciliationKind, now: Date): Date {
  switch (kind) {
    case 'events':
      return new Date(now.getTime() - HOUR_MS);
    case 'subscriptions': {
      const night = NIGHT_HOUR * HOUR_MS;
      return new Date(Math.floor((now.getTime() - night) / DAY_MS) * DAY_MS + night);
    }
  }
}

/**
 * Reconciles every scope for which it is due and that nobody else is at. What was sold more than an hour before Tillkey knew the scope's key, it leaves
 * alone: those customers have keys from elsewhere. By hand (`stripe:reconcile`) it goes back as far as Stripe does.
 * What fails is due as before. `stopped` ends it after a page.
 */
export async function reconcileByClock(dependencies: ClockDependencies, kind: ReconciliationKind, stopped: () => boolean): Promise<void> {
  const { database, clock, log, stripeScopes } = dependencies;
  for (const scope of await stripeScopes()) {
    const now = clock.now();
    await expectReconciliation(database, { scope, kind }, now);
    const claim = stopped() ? null : await claimReconciliation(database, { scope, kind }, lastDue(kind, now), now);
    if (claim === null) continue;
    const since = new Date(claim.begunAt.getTime() - HOUR_MS);
    const result = await attempt(() => reconcile(dependencies, { scope, kind, since }, stopped));
    if (!result.ok) log.warn({ accountId: scope.accountId, mode: scope.mode, kind, error: result.error }, 'not reconciled with Stripe; done again soon');
    await endReconciliation(database, { scope, kind }, result.ok ? now : null);
  }
}

async function reconcile({ log, ...dependencies }: ClockDependencies, { scope, kind, since }: { scope: Scope; kind: ReconciliationKind; since: Date }, stopped: () => boolean): Promise<void> {
  const { database, clock, stripeOf } = dependencies;
  const stripe = await stripeOf(scope);
  if (stripe === null) return;
  const onPage = async () => {
    if (stopped()) throw new Error('stopped; the rest is done next time');
    await keepReconciliation(database, { scope, kind }, clock.now());
  };
  const found = await reconciliations[kind](dependencies, { scope, since }, stripe, onPage);
  log.info({ accountId: scope.accountId, mode: scope.mode, kind, ...found }, 'reconciled with Stripe');
}

/** What a starting worker does: it goes through the events that came since the last time, and after more than an hour through the subscriptions too. */
export async function reconcileAfterStart({ database, clock, queues, stripeScopes }: ClockDependencies): Promise<void> {
  const now = clock.now();
  for (const scope of await stripeScopes()) for (const kind of kinds) await expectReconciliation(database, { scope, kind }, now);
  await dueAfterStart(database, lastDue('events', now), now);
  for (const kind of kinds) await queues.enqueue('schedule', { name: `reconcile-${kind}` });
}
