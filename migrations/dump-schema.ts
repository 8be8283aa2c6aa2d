import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded-postgres.ts';
import { migrate } from '../src/database/migrate.ts';
import { connectDatabase } from '../src/database/orm.ts';
import { compareRows } from './schema/compare-rows.ts';
import { diffLines } from './schema/diff-lines.ts';
import { readSchema } from './schema/read-schema.ts';

const HELP = `What the migrations make, as SQL.

  npm run schema:dump    write migrations/schema.sql
  npm run schema:check   fail when schema.sql is not what the migrations make, or when a row definition
                         (src/database/*-rows.ts) and its table differ

Both run every migration on a PostgreSQL of their own, started for the purpose and thrown away.
`;

const HEADING = '-- What the migrations make. Written by `npm run schema:dump`, never by hand.\n\n';
/** How much of a difference a person reads. */
const MOST_LINES = 60;
const file = new URL('schema.sql', import.meta.url);

async function main(args: string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(HELP);
  if (args.join() !== '' && args.join() !== '--check') return fail(2, `unknown option: ${args.join(' ')}\n\n${HELP}`);
  const { schema, faults } = await migrateAndRead();
  if (args.length === 0) return writeFile(file, schema);
  const diff = diffLines(await readFile(file, 'utf8').catch(() => ''), schema).split('\n');
  const shown = diff.length > MOST_LINES ? [...diff.slice(0, MOST_LINES), `... and ${diff.length - MOST_LINES} lines more`] : diff;
  const complaints = [
    ...(diff.join('') === '' ? [] : [`migrations/schema.sql is not what the migrations make (run \`npm run schema:dump\` and commit it):\n\n${shown.join('\n')}\n`]),
    ...(faults.length === 0 ? [] : [`The row definitions are not what the migrations make:\n\n  ${faults.join('\n  ')}\n`]),
  ];
  if (complaints.length > 0) return fail(1, complaints.join('\n'));
  process.stdout.write('schema.sql and the row definitions are what the migrations make.\n');
}

async function migrateAndRead(): Promise<{ schema: string; faults: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'tillkey-schema-'));
  const postgres = await startEmbeddedPostgres(folder);
  const database = await connectDatabase(postgres.url);
  const client = new pg.Client({ connectionString: postgres.url });
  try {
    await migrate(database, postgres.url);
    await client.connect();
    return { schema: HEADING + (await readSchema(client)), faults: await compareRows(database, client) };
  } finally {
    await client.end();
    await database.close(true);
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function fail(code: number, message: string): void {
  process.stderr.write(message);
  process.exitCode = code;
}

await main(process.argv.slice(2));
