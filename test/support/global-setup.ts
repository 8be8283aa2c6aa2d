import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { migrate } from '../../src/database/migrate.ts';
import { connectDatabase } from '../../src/database/orm.ts';
import { startRedis } from './redis.ts';

declare global {
  var tillkeyTeardown: (() => Promise<void>) | undefined;
}

/** One PostgreSQL and one Redis for the whole run, and a migrated template database that each test file clones. */
export default async function setUp(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tillkey-test-'));
  const postgres = await startEmbeddedPostgres(folder);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  // Throw-away data need not survive a power cut.
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) await admin.query(`alter system set ${setting} = off`);
  await admin.query('select pg_reload_conf()');
  await admin.query('create database template_tillkey');
  await admin.end();

  const templateUrl = postgres.url.replace(/\/postgres$/, '/template_tillkey');
  const template = await connectDatabase(templateUrl);
  await migrate(template, templateUrl);
  await template.close(true);

  const redis = await startRedis(folder);
  // A process that starts need not compile what one before it has.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  if (redis) process.env['TEST_REDIS_URL'] = redis.url;
  globalThis.tillkeyTeardown = async () => {
    await redis?.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
