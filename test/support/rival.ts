import pg from 'pg';
import { until } from './until.ts';

/** A transaction of somebody else, open beside those of the service. */
export type Rival = {
  run(statement: string, values?: unknown[]): Promise<any[]>;
  /** Until `request` is answered, or `waiting` sessions of the database wait for a lock. */
  untilStuck(request: Promise<unknown>, waiting?: number): Promise<void>;
  /** Commits once `request` waits for this transaction or is answered already, and gives its answer. */
  commitOnce<T>(request: Promise<T>): Promise<T>;
};

export async function withRival<T>(databaseUrl: string, play: (rival: Rival) => Promise<T>): Promise<T> {
  const [own, watch] = [new pg.Client({ connectionString: databaseUrl }), new pg.Client({ connectionString: databaseUrl })];
  await Promise.all([own.connect(), watch.connect()]);
  const run = async (statement: string, values: unknown[] = []) => (await own.query(statement, values)).rows;
  const stuck = async () => (await watch.query('select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0')).rows.length;
  const untilStuck = async (request: Promise<unknown>, waiting = 1) => {
    let answered = false;
    const watched = request.finally(() => (answered = true));
    watched.catch(() => undefined);
    await until(async () => answered || (await stuck()) >= waiting);
  };
  const commitOnce = async <Answer>(request: Promise<Answer>) => {
    await untilStuck(request);
    await run('commit');
    return request;
  };
  await run('begin');
  return play({ run, untilStuck, commitOnce }).finally(() => Promise.all([own.end(), watch.end()]));
}
