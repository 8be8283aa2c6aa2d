import { runMigrations } from 'bullmq';
import pg from 'pg';
import { AppError } from '../errors.ts';
import type { Database } from './orm.ts';

/** Any fixed number: the lock under which one process migrates while others that start wait. */
const MIGRATION_LOCK = 8_455_540;

/** Brings the schema up to date, BullMQ's with it. Safe to call from several processes at once; a no-op when current. */
export async function migrate(database: Database, databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect().catch((cause: Error) => {
    throw new AppError('DATABASE_UNREACHABLE', 500, `DATABASE_URL: the database cannot be used: ${cause.message || cause.name}. Check the address, the name and the password`, { cause });
  });
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    if ((await database.migrator.getPending()).length > 0) await database.migrator.up();
    await runMigrations(client);
  } finally {
    await client.end();
  }
}
