import { sweep, type SweepDependencies } from './sweep.ts';

/** What runs by the clock. One table: a name, how often, and what it does. */
export type ScheduledJob = { name: string; everyMs: number; run: () => Promise<void> };

export function scheduledJobs(dependencies: SweepDependencies & { firstAnswers: { forgetOld: () => Promise<void> } }): ScheduledJob[] {
  return [
    { name: 'sweep', everyMs: 30_000, run: () => sweep(dependencies) },
    { name: 'forget-first-answers', everyMs: 3_600_000, run: () => dependencies.firstAnswers.forgetOld() },
  ];
}
