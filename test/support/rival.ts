import pg from 'pg';

/** A transaction of somebody else, open beside those of the service. */
export type Rival = {
  run(statement: string, values?: unknown[]): Promise<any[]>;
  /** Commits when `request` waits for this transaction or is answered already, and gives its answer. */
  commitOnce<T>(request: Promise<T>): Promise<T>;
};

export async function withRival<T>(databaseUrl: string, play: (rival: Rival) => Promise<T>): Promise<T> {
  const [own, watch] = [new pg.Client({ connectionString: databaseUrl }), new pg.Client({ connectionString: databaseUrl })];
  await Promise.all([own.connect(), watch.connect()]);
  const run = async (statement: string, values: unknown[] = []) => (await own.query(statement, values)).rows;
  const [{ pid }] = await run('select pg_backend_pid() as pid');
  const commitOnce = async <Answer>(request: Promise<Answer>) => {
    let answered = false;
    const answer = request.finally(() => (answered = true));
    const blocked = async () => (await watch.query('select 1 from pg_stat_activity where $1::int = any(pg_blocking_pids(pid))', [pid])).rows.length > 0;
    while (!answered && !(await blocked())) await new Promise((resolve) => setImmediate(resolve));
    await run('commit');
    return answer;
  };
  await run('begin');
  return play({ run, commitOnce }).finally(() => Promise.all([own.end(), watch.end()]));
}
