import { Counter, Gauge, Registry } from 'prom-client';
import { outcomes } from '../billing/core/outcome.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { countDeliveries, oldestPendingDelivery } from '../delivery-counts.ts';
import { countEvents, oldestPendingEvent } from '../inbox.ts';
import { readJobRuns } from '../job-runs.ts';
import { statuses } from '../licensing/core/status.ts';
import { countLicenses } from '../licensing/count-licenses.ts';
import type { Validations } from '../licensing/validate-key.ts';
import { countMessages, oldestPendingMessage } from '../outbox.ts';
import type { Queues } from '../queues.ts';

export type Watched = { database: Database; clock: Clock; queues: Pick<Queues, 'depths'>; validations: Pick<Validations, 'counts'> };

/** A metric with its values, each with its labels. */
type Metric = { type: 'gauge' | 'counter'; name: string; help: string; labels?: string[]; values: [labels: Record<string, string>, value: number][] };

/** All metrics, in the text that Prometheus reads. */
export async function readMetrics(watched: Watched): Promise<string> {
  const register = new Registry();
  for (const metric of [...(await inboxAndOutboxes(watched)), ...(await background(watched)), await licenses(watched), validations(watched)]) {
    const { type, name, help, labels: labelNames = [], values } = metric;
    const written = type === 'gauge' ? new Gauge({ name, help, labelNames, registers: [register] }) : new Counter({ name, help, labelNames, registers: [register] });
    for (const [labels, value] of values) written.inc(labels, value);
  }
  return register.metrics();
}

async function inboxAndOutboxes({ database, clock }: Watched): Promise<Metric[]> {
  const now = clock.now();
  const events = await countEvents(database);
  const none = (['live', 'test'] as const).flatMap((mode) => (['pending', ...outcomes] as const).map((outcome) => ({ mode, outcome, count: 0 })));
  const oldest = (name: string, what: string, since: Date | null): Metric => ({
    type: 'gauge', name: `tillkey_${name}_oldest_pending_seconds`, help: `Age of the oldest ${what}; 0 when all are`,
    values: [[{}, since === null ? 0 : Math.max(0, (now.getTime() - since.getTime()) / 1000)]],
  });
  return [
    { type: 'gauge', name: 'tillkey_stripe_events', help: 'Stripe events in the inbox, by mode and by what became of them', labels: ['mode', 'outcome'], values: [...none, ...events].map(({ mode, outcome, count }) => [{ mode, outcome: outcome ?? 'pending' }, count]) },
    oldest('stripe_events', 'Stripe event that is not done', await oldestPendingEvent(database)),
    { type: 'gauge', name: 'tillkey_messages', help: 'Messages in the outbox that are not sent yet, or were given up', labels: ['state'], values: Object.entries(await countMessages(database)).map(([state, count]) => [{ state }, count]) },
    oldest('messages', 'message that is not sent yet', await oldestPendingMessage(database)),
    { type: 'gauge', name: 'tillkey_webhook_deliveries', help: 'Webhook deliveries that are kept, by their result', labels: ['result'], values: Object.entries(await countDeliveries(database)).map(([result, count]) => [{ result }, count]) },
    oldest('webhook_deliveries', 'webhook delivery that is not made yet', await oldestPendingDelivery(database)),
  ];
}

/** A queue that does not answer has no depth, and every other metric stays. */
async function background({ database, queues }: Watched): Promise<Metric[]> {
  const jobs = await readJobRuns(database);
  const depths = Object.entries((await queues.depths()) ?? {}).flatMap(([queue, states]) => Object.entries(states).map(([state, count]): [object: Record<string, string>, value: number] => [{ queue, state }, count]));
  const ofJobs = (type: Metric['type'], name: string, help: string, valueOf: (job: (typeof jobs)[number]) => number): Metric => ({ type, name: `tillkey_job_${name}`, help, labels: ['job'], values: jobs.map((job) => [{ job: job.name }, valueOf(job)]) });
  return [
    { type: 'gauge', name: 'tillkey_queue_depth', help: 'Jobs in each queue, by state', labels: ['queue', 'state'], values: depths },
    ofJobs('counter', 'runs_total', 'Runs of each background job', ({ runs }) => runs),
    ofJobs('counter', 'failures_total', 'Runs that ended in an error', ({ failures }) => failures),
    ofJobs('counter', 'duration_seconds_total', 'Time that runs took in all; a run of deliveries only wakes their endpoint', ({ seconds }) => seconds),
    ofJobs('gauge', 'last_duration_seconds', 'Time that the last run took', ({ lastSeconds }) => lastSeconds),
    ofJobs('gauge', 'last_run_timestamp_seconds', 'When the last run ended', ({ endedAt }) => endedAt),
  ];
}

async function licenses({ database }: Watched): Promise<Metric> {
  const none = (['live', 'test'] as const).flatMap((mode) => statuses.map((status) => ({ mode, status, count: 0 })));
  const values = [...none, ...(await countLicenses(database))].map(({ mode, status, count }): [Record<string, string>, number] => [{ mode, status }, count]);
  return { type: 'gauge', name: 'tillkey_licenses', help: 'Licenses by mode and by the status that was told last', labels: ['mode', 'status'], values };
}

function validations({ validations: { counts } }: Watched): Metric {
  return { type: 'counter', name: 'tillkey_validations_total', help: 'Validations that this process answered, by code', labels: ['code'], values: [...counts].map(([code, count]) => [{ code }, count]) };
}
