import { type ClockDependencies, reconcileByClock } from './reconcile-by-clock.ts';
import { prune, type PruneDependencies } from './prune.ts';
import { sweep, type SweepDependencies } from './sweep.ts';

/** What runs by the clock. One table: a name, how often, and what it does. */
export type ScheduledJob = { name: string; everyMs: number; run: () => Promise<void> };

type ScheduleDependencies = SweepDependencies & ClockDependencies & PruneDependencies;

/** `stopped`: whether what takes long should come to its end. */
export function scheduledJobs(dependencies: ScheduleDependencies, stopped: () => boolean): ScheduledJob[] {
  return [
    { name: 'sweep', everyMs: 30_000, run: () => sweep(dependencies) },
    { name: 'prune', everyMs: 3_600_000, run: () => prune(dependencies, stopped) },
    // Woken this often, done hourly and nightly: the database knows when it was done.
    { name: 'reconcile-events', everyMs: 300_000, run: () => reconcileByClock(dependencies, 'events', stopped) },
    { name: 'reconcile-subscriptions', everyMs: 300_000, run: () => reconcileByClock(dependencies, 'subscriptions', stopped) },
  ];
}
