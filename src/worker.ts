import type { Dependencies } from './dependencies.ts';
import { applyStripeEventJob } from './jobs/apply-stripe-event.ts';
import { scheduledJobs } from './jobs/schedule.ts';
import { sendEmailJob } from './jobs/send-email.ts';
import { takeUpUnfinished } from './jobs/sweep.ts';

/** How often the schedule is told to the queue again, which may have lost it. */
const REMIND_MS = 30_000;

export type RunningWorker = { stop(): void };

/**
 * The background side: which job serves which queue, and what runs by the clock. Returns once what an earlier process
 * left undone is queued. The queues' own `close` waits for the jobs in flight.
 */
export async function startWorker(dependencies: Dependencies, scheduled = scheduledJobs(dependencies), remindMs = REMIND_MS): Promise<RunningWorker> {
  const { queues, log } = dependencies;
  queues.work('stripe-events', 8, (ref) => applyStripeEventJob(dependencies, ref));
  queues.work('messages', 4, (message) => sendEmailJob(dependencies, message));
  queues.work('schedule', 1, async ({ name }) => scheduled.find((job) => job.name === name)?.run());
  const remind = () => Promise.all(scheduled.map(({ name, everyMs }) => queues.repeat(name, everyMs)));
  const reminder = setInterval(() => {
    remind().catch((error: Error) => log.warn({ error: error.message }, 'schedule not queued'));
  }, remindMs);
  await remind().catch((error: Error) => log.warn({ error: error.message }, 'schedule not queued'));
  await takeUpUnfinished(dependencies);
  return { stop: () => clearInterval(reminder) };
}
