import type { Clock } from '../clock.ts';
import { scopesWithDue } from '../database/scope-time.ts';
import type { Scope } from '../database/scope.ts';
import { type DueWork, dueWorks, runDueBatch } from '../licensing/due-work.ts';
import type { Licensing } from '../licensing/licensing.ts';
import type { Logger } from '../logger.ts';
import type { Queues } from '../queues.ts';
import { attempt } from './attempt.ts';

export type DueDependencies = Licensing & { clock: Clock; log: Logger; queues: Pick<Queues, 'enqueue'> };

/** What is due in one scope. */
type Due = { scope: Scope; work: DueWork };

/**
 * Runs what is due by each scope's own time. The scopes take turns, a batch each, until none has anything left: one with much to do does not keep the
 * others waiting. What fails is logged and left for the next run; `stopped` ends it after a batch.
 */
export async function runDueWork(dependencies: DueDependencies, stopped: () => boolean, works: DueWork[] = dueWorks): Promise<void> {
  let due = await allDue(dependencies, works);
  while (due.length > 0) {
    const unfinished: Due[] = [];
    for (const each of due) {
      if (stopped()) return;
      if ((await runBatch(dependencies, each)) > 0) unfinished.push(each);
    }
    due = unfinished;
  }
}

async function allDue({ database, clock }: DueDependencies, works: DueWork[]): Promise<Due[]> {
  const due: Due[] = [];
  for (const work of works) for (const scope of await scopesWithDue(database, work.rows, clock.now())) due.push({ scope, work });
  return due;
}

/** How many it took; none where it failed. */
async function runBatch(dependencies: DueDependencies, { scope, work }: Due): Promise<number> {
  const { clock, log, queues } = dependencies;
  let taken = 0;
  const result = await attempt(async () => {
    const { count, messageIds } = await runDueBatch(dependencies, { scope, work }, clock.now());
    for (const id of messageIds) await queues.enqueue('messages', { id });
    taken = count;
  });
  if (!result.ok) log.error({ accountId: scope.accountId, mode: scope.mode, work: work.name, error: result.error }, 'due work not done; done again soon');
  return taken;
}
