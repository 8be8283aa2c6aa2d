import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** A database of this test's own, cloned from the migrated template. */
export async function createDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  // The other strategy writes every page of the template to the log: it takes twice as long.
  await administer(`create database ${name} template template_tillkey strategy file_copy`);
  return {
    url: serverUrl().replace(/\/postgres$/, `/${name}`),
    drop: () => administer(`drop database ${name} with (force)`),
  };
}

/** Takes a database away from everybody, as an outage does. */
export async function cutOff(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await administer(`alter database ${name} with allow_connections false`);
  await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  await client.query(statement);
  await client.end();
}

function serverUrl(): string {
  const url = process.env['TEST_POSTGRES_URL'];
  if (!url) throw new Error('global-setup did not run');
  return url;
}
