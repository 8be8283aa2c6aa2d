import type pg from 'pg';

/**
 * Takes connections that died in a transaction out of the pool. What dies cannot roll back either, and kysely gives a connection
 * back only after a rollback that worked: each crash of the server would cost the pool some of its places, until none is left.
 */
export function dropDeadConnections(pool: pg.Pool): void {
  const taken = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => taken.add(client));
  pool.on('release', (_error, client) => taken.delete(client));
  pool.on('connect', (client) => {
    client.once('end', () => {
      // Not before whoever asked a single question has given the connection back.
      setImmediate(() => {
        if (taken.has(client)) client.release(true);
      });
    });
  });
}
