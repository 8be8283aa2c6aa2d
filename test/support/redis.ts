import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';

export type RedisServer = { url: string; stop: () => Promise<void> };

/** More than a whole run asks for. */
const DATABASES = 1_000;

/** A Redis for the run; null, said aloud, when there is no `redis-server`. */
export async function startRedis(folder: string): Promise<RedisServer | null> {
  return (await startRedisServer(folder, await freePort())) ?? refuseInCi();
}

/**
 * A database of the run's Redis that no service has used: one that was killed leaves jobs behind. Redis itself counts them, the only
 * one that all files and jest's workers share.
 */
export async function createRedisDatabase(): Promise<string> {
  const url = process.env['TEST_REDIS_URL'];
  if (!url) throw new Error('there is no Redis in this run');
  const client = new Redis(url);
  const n = await client.incr('databases given');
  client.disconnect();
  if (n >= DATABASES) throw new Error(`Redis has no more than ${DATABASES} databases: raise DATABASES`);
  return `${url}/${n}`;
}

/** A `redis-server` that keeps nothing; null when there is none on the PATH. */
export async function startRedisServer(folder: string, port: number): Promise<RedisServer | null> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', '--databases', String(DATABASES)];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  const absent = await Promise.race([once(server, 'error').then(() => true), once(server, 'spawn').then(() => false)]);
  if (absent) return null;
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping();
  client.disconnect();
  return {
    url,
    stop: async () => {
      if (server.exitCode !== null) return;
      server.kill('SIGTERM');
      await once(server, 'exit');
    },
  };
}

function refuseInCi(): null {
  const advice = 'no redis-server on the PATH: the queue tests run on PostgreSQL only. Install redis-server (apt-get install redis-server) to run them all.';
  if (process.env['CI']) throw new Error(advice);
  process.stderr.write(`\nNOT TESTED ON REDIS: ${advice}\n\n`);
  return null;
}
