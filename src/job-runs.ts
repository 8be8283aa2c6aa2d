import { sql } from 'kysely';
import type { Clock } from './clock.ts';
import { type Database, inOwnTransaction, query, reading } from './database/orm.ts';

/**
 * How often each background job ran, for how long, and when last. Gathered in the process that runs them and added up in a table every few seconds,
 * so that any process can tell and a restart loses none; a kill may lose those seconds.
 */

/** One run of a job: what the queue that ran it knows of it. */
export type JobRun = { job: string; failed: boolean; durationMs: number };

export type JobRuns = {
  ran(run: JobRun): void;
  /** Never fails: what could not be written is kept. */
  flush(): Promise<void>;
};

type Runs = { job: string; runs: number; failures: number; durationMs: number; endedAt: Date; lastMs: number };

const EVERY_MS = 5_000;

export function gatherJobRuns({ database, clock, warn }: { database: Database; clock: Clock; warn: (error: unknown) => void }): JobRuns {
  let gathered = new Map<string, Runs>();
  let flushing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const add = (more: Runs) => {
    const before = gathered.get(more.job);
    gathered.set(more.job, before ? { ...more, runs: before.runs + more.runs, failures: before.failures + more.failures, durationMs: before.durationMs + more.durationMs } : more);
    timer ??= setTimeout(() => void flush(), EVERY_MS);
  };
  const write = async () => {
    clearTimeout(timer);
    timer = undefined;
    const all = [...gathered.values()];
    gathered = new Map();
    const failure = await writeRuns(database, all).then(() => null, (error: unknown) => ({ error }));
    if (failure === null) return;
    for (const runs of all) add(runs);
    warn(failure.error);
  };
  const flush = () => (flushing = flushing.then(write));
  return {
    ran: ({ job, failed, durationMs }) => add({ job, runs: 1, failures: failed ? 1 : 0, durationMs, endedAt: clock.now(), lastMs: Math.round(durationMs) }),
    flush,
  };
}

/** In one order, so that two processes never wait for one another. */
async function writeRuns(database: Database, gathered: Runs[]): Promise<void> {
  if (gathered.length === 0) return;
  const all = gathered.toSorted((a, b) => (a.job < b.job ? -1 : 1));
  await inOwnTransaction(database, (tx) => query(tx, sql`
    insert into job_runs as known (name, runs, failures, duration_ms, last_ended_at, last_duration_ms)
    select * from unnest(${all.map(({ job }) => job)}::text[], ${all.map(({ runs }) => runs)}::bigint[], ${all.map(({ failures }) => failures)}::bigint[],
      ${all.map(({ durationMs }) => Math.round(durationMs))}::bigint[], ${all.map(({ endedAt }) => endedAt.toISOString())}::timestamptz[], ${all.map(({ lastMs }) => lastMs)}::int[])
    on conflict (name) do update set runs = known.runs + excluded.runs, failures = known.failures + excluded.failures,
      duration_ms = known.duration_ms + excluded.duration_ms, last_ended_at = greatest(known.last_ended_at, excluded.last_ended_at), last_duration_ms = excluded.last_duration_ms`));
}

/** What is known of a job: in seconds, the last end in Unix time. */
export type KnownJob = { name: string; runs: number; failures: number; seconds: number; endedAt: number; lastSeconds: number };

export async function readJobRuns(database: Database): Promise<KnownJob[]> {
  return query(reading(database), sql<KnownJob>`
    select name, runs::float8 as runs, failures::float8 as failures, duration_ms::float8 / 1000 as seconds,
      extract(epoch from last_ended_at)::float8 as "endedAt", last_duration_ms::float8 / 1000 as "lastSeconds" from job_runs order by name`);
}
