import type { Dependencies } from './dependencies.ts';
import { applyStripeEventJob } from './jobs/apply-stripe-event.ts';
import { reconcileAfterStart } from './jobs/reconcile-by-clock.ts';
import { type ScheduledJob, scheduledJobs } from './jobs/schedule.ts';
import { sendEmailJob } from './jobs/send-email.ts';
import { takeUpUnfinished } from './jobs/sweep.ts';
import { createWebhookLanes } from './jobs/webhook-lanes.ts';

/** How often the schedule is told to the queue again, which may have lost it. */
const REMIND_MS = 30_000;

/** `stop` begins nothing more that takes long, and waits for the webhooks in flight. */
export type RunningWorker = { stop(): Promise<void> };

/** What runs by the clock, and how often the queue is told of it, where not as usual: tests hurry. */
type Often = { scheduled: ScheduledJob[]; remindMs: number };

/**
 * The background side: which job serves which queue, and what runs by the clock. Returns once what an earlier process
 * left undone is queued. The queues' own `close` waits for the jobs in flight.
 */
export async function startWorker(dependencies: Dependencies, often?: Often): Promise<RunningWorker> {
  const { queues, log } = dependencies;
  let stopped = false;
  const scheduled = often?.scheduled ?? scheduledJobs(dependencies, () => stopped);
  queues.work('stripe-events', 8, (ref) => applyStripeEventJob(dependencies, ref));
  queues.work('messages', 4, (message) => sendEmailJob(dependencies, message));
  const lanes = createWebhookLanes(dependencies);
  queues.work('deliveries', 8, async ({ endpointId }) => lanes.wake(endpointId));
  // Several at once: a reconciliation may take minutes, and the sweep does not wait for it.
  queues.work('schedule', 4, async ({ name }) => scheduled.find((job) => job.name === name)?.run());
  const remind = () => Promise.all(scheduled.map(({ name, everyMs }) => queues.repeat(name, everyMs)));
  const reminder = setInterval(() => {
    remind().catch((error: Error) => log.warn({ error: error.message }, 'schedule not queued'));
  }, often?.remindMs ?? REMIND_MS);
  await remind().catch((error: Error) => log.warn({ error: error.message }, 'schedule not queued'));
  await takeUpUnfinished(dependencies);
  await reconcileAfterStart(dependencies);
  const stop = () => {
    stopped = true;
    clearInterval(reminder);
    return lanes.close();
  };
  return { stop };
}
