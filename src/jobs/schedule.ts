import { SWEEP_MS } from './backoff.ts';
import { type ClockDependencies, reconcileByClock } from './reconcile-by-clock.ts';
import { prune, type PruneDependencies } from './prune.ts';
import { type DueDependencies, runDueWork } from './run-due-work.ts';
import { sweep, type SweepDependencies } from './sweep.ts';

/** What runs by the clock. One table: a name, how often, and what it does. */
export type ScheduledJob = { name: string; everyMs: number; run: () => Promise<void> };

type ScheduleDependencies = SweepDependencies & ClockDependencies & DueDependencies & PruneDependencies;

/** `stopped`: whether what takes long should come to its end. */
export function scheduledJobs(dependencies: ScheduleDependencies, stopped: () => boolean): ScheduledJob[] {
  return [
    { name: 'sweep', everyMs: SWEEP_MS, run: () => sweep(dependencies) },
    { name: 'due-work', everyMs: 30_000, run: unlessUnderWay(() => runDueWork(dependencies, stopped)) },
    { name: 'prune', everyMs: 3_600_000, run: () => prune(dependencies, stopped) },
    // Woken this often, done hourly and nightly: the database knows when it was done.
    { name: 'reconcile-events', everyMs: 300_000, run: () => reconcileByClock(dependencies, 'events', stopped) },
    { name: 'reconcile-subscriptions', everyMs: 300_000, run: () => reconcileByClock(dependencies, 'subscriptions', stopped) },
  ];
}

/** What may take longer than until its next turn: in this process it runs once at a time, so that the other jobs keep their places. */
function unlessUnderWay(run: () => Promise<void>): () => Promise<void> {
  let underWay = false;
  return async () => {
    if (underWay) return;
    underWay = true;
    await run().finally(() => (underWay = false));
  };
}
