import { setTimeout } from 'node:timers/promises';
import { createPostgresBackend, createRedisBackend, type JobsOptions, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { z } from 'zod';
import { afterCommit } from './database/after-commit.ts';
import type { Logger } from './logger.ts';

/**
 * The queues, and the only place that knows BullMQ's two backends. A queue wakes somebody up and spreads work; it is never
 * the record of anything: what a job names stands in the inbox or the outbox, and the sweep finds it without the queue.
 */

/** What a job of each queue carries. */
type Payloads = {
  'stripe-events': { scopeId: number; id: string };
  messages: { id: string };
  deliveries: { endpointId: string };
  schedule: { name: string };
};

const payloads: { [Name in keyof Payloads]: z.ZodType<Payloads[Name]> } = {
  'stripe-events': z.object({ scopeId: z.int(), id: z.string() }),
  messages: z.object({ id: z.string() }),
  deliveries: z.object({ endpointId: z.string() }),
  schedule: z.object({ name: z.string() }),
};

type QueueName = keyof Payloads;
type Depth = { waiting: number; delayed: number; active: number };
type Depths = Record<QueueName, Depth>;
type Payload<Name extends QueueName> = Payloads[Name];

export type Queues = {
  /**
   * Adds a job, ready after `delayMs`, once the transaction under way is committed. It never throws and never waits long: an error is logged, and the sweep finds
   * the row.
   */
  enqueue<Name extends QueueName>(name: Name, payload: Payload<Name>, delayMs?: number): Promise<void>;
  /** Serves a queue until `close`. A handler that throws is logged; what it left undone is still due. */
  work<Name extends QueueName>(name: Name, concurrency: number, handle: (payload: Payload<Name>) => Promise<void>): void;
  /** Has `schedule` jobs of this name made every so often, once however many processes ask for it. */
  repeat(name: string, everyMs: number): Promise<void>;
  /** How many jobs each queue has, by state; null while its backend does not answer. */
  depths(): Promise<Depths | null>;
  /** Stops taking jobs, waits for those in flight, closes the connections. */
  close(): Promise<void>;
};

/** How long jobs in flight may take once we stop. */
const CLOSE_TIMEOUT_MS = 15_000;
/** How long an enqueue may keep an answer waiting. */
const ENQUEUE_TIMEOUT_MS = 500;
/** How soon a worker asks again after a failure of its backend: a server is back from a restart in seconds. */
const RETRY_DELAY_MS = 1_000;
/** Done jobs are dropped at once and each is tried once: the row they name decides what comes next. */
const jobOptions = { removeOnComplete: true, removeOnFail: true, attempts: 1 };

/** `ran` hears of every run of a job. */
type Setting = { redisUrl: string | undefined; databaseUrl: string; log: Logger; ran: (run: { job: string; failed: boolean; durationMs: number }) => void };

/** The queues on Redis where `redisUrl` is set, else in PostgreSQL. */
export function createQueues({ redisUrl, databaseUrl, log, ran }: Setting): Queues {
  const engine = redisUrl === undefined ? postgresEngine(databaseUrl, log) : redisEngine(redisUrl, log);
  // All at once, while the backend is known to be there: one that is first met in an outage stays broken for good.
  const queues: Record<QueueName, JobQueue> = {
    'stripe-events': engine.queue('stripe-events'), messages: engine.queue('messages'), deliveries: engine.queue('deliveries'),
    schedule: engine.queue('schedule'),
  };
  const workers: JobWorker[] = [];
  return {
    enqueue: (queue, payload, delayMs = 0) => afterCommit(async () => {
      const added = queues[queue].add(queue, payload, { ...jobOptions, delay: delayMs });
      await withTimeout(added).catch((error: Error) => log.warn({ queue, error: error.message }, 'could not enqueue; the sweep will'));
    }),
    work: (queue, concurrency, handle) => {
      const process: Processor = async ({ data }) => handle(payloads[queue].parse(data));
      workers.push(engine.worker(queue, reported(process, queue, { log, ran }), concurrency));
    },
    repeat: async (name, everyMs) => {
      await withTimeout(queues.schedule.upsertJobScheduler(name, { every: everyMs }, { name, data: { name }, opts: jobOptions }));
    },
    depths: () => withTimeout(readDepths(queues)).catch(() => null),
    close: async () => {
      const closing = Promise.all(workers.map((worker) => worker.close())).then(() => Promise.all(Object.values(queues).map((queue) => queue.close())));
      // With its backend away a worker cannot say goodbye; what it was doing is still due.
      await Promise.race([closing, setTimeout(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
      await engine.close();
    },
  };
}

function reported(process: Processor, queue: QueueName, { log, ran }: Pick<Setting, 'log' | 'ran'>): Processor {
  return async (job) => {
    const began = performance.now();
    const report = (failed: boolean) => ran({ job: nameOf(queue, job.data), failed, durationMs: performance.now() - began });
    await process(job).catch((error: Error) => {
      report(true);
      log.error({ queue, error: error.message }, 'job failed; what it left undone is still due');
      throw error;
    });
    report(false);
  };
}

/** What runs by the clock has a name of its own, any other job that of its queue. */
function nameOf(queue: QueueName, data: unknown): string {
  return queue === 'schedule' ? payloads.schedule.parse(data).name : queue;
}

async function readDepths(queues: Record<QueueName, JobQueue>): Promise<Depths> {
  const depthOf = async (queue: JobQueue): Promise<Depth> => {
    const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = await queue.getJobCounts('wait', 'prioritized', 'delayed', 'active');
    return { waiting: wait + prioritized, delayed, active };
  };
  const [stripeEvents, messages, deliveries, schedule] = await Promise.all([
    depthOf(queues['stripe-events']), depthOf(queues.messages), depthOf(queues.deliveries), depthOf(queues.schedule),
  ]);
  return { 'stripe-events': stripeEvents, messages, deliveries, schedule };
}

function withTimeout<T>(work: Promise<T>): Promise<T> {
  const late = setTimeout(ENQUEUE_TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`no answer from the queue in ${ENQUEUE_TIMEOUT_MS} ms`);
  });
  return Promise.race([work, late]);
}

/** What is used of BullMQ's classes, alike for both backends. */
type JobQueue = {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>;
  upsertJobScheduler(id: string, repeat: { every: number }, template: { name: string; data: object; opts: typeof jobOptions }): Promise<unknown>;
  getJobCounts(...states: ('wait' | 'prioritized' | 'delayed' | 'active')[]): Promise<Record<string, number>>;
  close(): Promise<void>;
};
type JobWorker = { close(): Promise<void> };
type Processor = (job: { data: unknown }) => Promise<void>;

type Engine = {
  queue(name: QueueName): JobQueue;
  worker(name: QueueName, processor: Processor, concurrency: number): JobWorker;
  close(): Promise<void>;
};

type Watched = { on(event: 'error', listener: (error: Error) => void): unknown };

/** While a connection is away its clients try again many times a second; this often the log hears of it. */
const COMPLAINT_MS = 10_000;

/** Connection trouble is logged and never ends the process: the clients reconnect by themselves. */
function watch<T extends Watched>(watched: T, name: string, log: Logger): T {
  let saidAt = -COMPLAINT_MS;
  watched.on('error', (error) => {
    if (performance.now() - saidAt < COMPLAINT_MS) return;
    saidAt = performance.now();
    log.warn({ queue: name, error: error.message }, 'queue connection');
  });
  return watched;
}

function postgresEngine(databaseUrl: string, log: Logger): Engine {
  const { Queue, Worker } = withBackend(createPostgresBackend);
  // One pool for all: a connection a worker that listens, and a few for their queries.
  const pool = watch(new pg.Pool({ connectionString: databaseUrl, max: 10, options: '-c search_path=bullmq' }), 'postgres', log);
  return {
    queue: (name) => watch(new Queue(name, { connection: pool }), name, log),
    worker: (name, processor, concurrency) => watch(new Worker(name, processor, { connection: pool, concurrency, runRetryDelay: RETRY_DELAY_MS }), name, log),
    close: () => pool.end(),
  };
}

function redisEngine(redisUrl: string, log: Logger): Engine {
  const { Queue, Worker } = withBackend(createRedisBackend);
  // A producer gives up after one reconnection; a worker waits for as long as Redis is away.
  const producer = watch(new Redis(redisUrl, { maxRetriesPerRequest: 1 }), 'redis', log);
  const consumer = watch(new Redis(redisUrl, { maxRetriesPerRequest: null }), 'redis', log);
  return {
    // Without the question after Redis's version, whose failure in an outage it would keep for good.
    queue: (name) => watch(new Queue(name, { connection: producer, skipWaitingForReady: true, skipVersionCheck: true }), name, log),
    worker: (name, processor, concurrency) => watch(new Worker(name, processor, { connection: consumer, concurrency, runRetryDelay: RETRY_DELAY_MS }), name, log),
    close: async () => {
      producer.disconnect();
      consumer.disconnect();
    },
  };
}
