import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';

export type RedisServer = { url: string; stop: () => Promise<void> };

/** A Redis for the run: the one of `REDIS_URL`, or a `redis-server` of our own; null, said aloud, when there is neither. */
export async function startRedis(folder: string): Promise<RedisServer | null> {
  const given = process.env['REDIS_URL'];
  if (given) return { url: given, stop: async () => undefined };
  return (await startRedisServer(folder, await freePort())) ?? refuseInCi();
}

/** A `redis-server` that keeps nothing; null when there is none on the PATH. */
export async function startRedisServer(folder: string, port: number): Promise<RedisServer | null> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
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
  const advice = 'no redis-server on the PATH and no REDIS_URL: the queue tests run on PostgreSQL only. Install redis-server (apt-get install redis-server) to run them all.';
  if (process.env['CI']) throw new Error(advice);
  process.stderr.write(`\nNOT TESTED ON REDIS: ${advice}\n\n`);
  return null;
}
