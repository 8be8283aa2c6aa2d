import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { migrate } from '../../src/database/migrate.ts';
import { connectDatabase } from '../../src/database/orm.ts';
import { copyFolder } from './data-folder.ts';
import { startRedis } from './redis.ts';

declare global {
  var tillkeyTeardown: (() => Promise<void>) | undefined;
}

/** One PostgreSQL and one Redis for the whole run, a migrated template database that each test file clones, and a data folder to copy. */
export default async function setUp(): Promise<void> {
  const folder = await mkdtemp(join(await fastestFolder(), 'tillkey-test-'));
  // Whatever a test makes is on that disk too, and goes with the run.
  process.env['TMPDIR'] = folder;
  const [data, initialized] = [join(folder, 'data'), join(folder, 'initialized')];
  for (const path of [data, initialized]) await mkdir(path);
  await initialize(data);
  await copyFolder(data, initialized);
  // Each service opens a dozen connections: to prove a password on every one of them takes longer than what they are opened for.
  await writeFile(join(data, 'postgres', 'pg_hba.conf'), 'host all all 127.0.0.1/32 trust\n');

  const postgres = await startEmbeddedPostgres(data);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('alter system set synchronous_commit = off');
  await admin.query('select pg_reload_conf()');
  await admin.query('create database template_tillkey');
  await admin.end();
  await bringUpToDate(postgres.url.replace(/\/postgres$/, '/template_tillkey'));

  const redis = await startRedis(folder);
  // A process that starts need not compile what one before it has.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  process.env['TEST_DATA_FOLDER'] = initialized;
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  if (redis) process.env['TEST_REDIS_URL'] = redis.url;
  globalThis.tillkeyTeardown = async () => {
    await redis?.stop();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

const MEMORY_DISK = '/dev/shm';
/** What the databases of a run never fill. */
const ENOUGH_BYTES = 2 ** 31;

/** A disk in memory, where there is a large one: each test has a database of its own, and to make one is to write a thousand files. */
async function fastestFolder(): Promise<string> {
  const free = await statfs(MEMORY_DISK).then(({ bavail, bsize }) => bavail * bsize, () => 0);
  return free >= ENOUGH_BYTES ? MEMORY_DISK : tmpdir();
}

/** A migrated database in a new data folder, whose server is stopped again. */
async function initialize(folder: string): Promise<void> {
  const { url, stop } = await startEmbeddedPostgres(folder);
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  // Throw-away data need not survive a power cut, only the crash of the server: what was committed must be written by then.
  for (const setting of ['fsync', 'full_page_writes']) await admin.query(`alter system set ${setting} = off`);
  await admin.query('alter system set max_connections = 300');
  await admin.end();
  await bringUpToDate(url);
  await stop();
}

async function bringUpToDate(url: string): Promise<void> {
  const database = await connectDatabase(url);
  await migrate(database, url);
  await database.close(true);
}
