import type { Client } from 'pg';
import type { Database } from '../../src/database/orm.ts';
import { type Column, readColumns } from './read-schema.ts';

/** Tables that are read and written without the row definitions, each with its reader. */
const withoutRows = new Set([
  'rate_limits', // rate-limiter-flexible, src/rate-limits.ts
  'idempotency_keys', // src/idempotency.ts
  'license_fingerprints', // src/licensing/validation-notes.ts
  'job_runs', // src/job-runs.ts
]);

/** The whole numbers that src/licensing/numbers.ts reads: PostgreSQL gives them out, and no row carries one about. */
const isNumber = ({ name }: Column) => name === 'number';

/** A property of a row definition, as the column it expects. */
type Expected = { table: string; name: string; type: string; required: boolean; property: string };

/** Where the row definitions and the migrated tables differ: one line a column, none when they agree. */
export async function compareRows(database: Database, client: Client): Promise<string[]> {
  const columns = (await readColumns(client)).filter(({ table }) => !withoutRows.has(table));
  const expected = await expectedColumns(database, client);
  const keyOf = ({ table, name }: { table: string; name: string }) => `${table}.${name}`;
  const byKey = new Map(columns.map((column) => [keyOf(column), column]));
  const known = new Set(expected.map(keyOf));
  return [
    ...expected.flatMap((property) => faultOf(property, byKey.get(keyOf(property)))),
    ...columns.filter((column) => !known.has(keyOf(column)) && !isNumber(column)).map((column) => `${keyOf(column)}: the migrations make it, no row definition has it`),
  ].sort();
}

function faultOf(expected: Expected, column: Column | undefined): string[] {
  const { table, name, property } = expected;
  if (column === undefined) return [`${table}.${name}: ${property} expects it, the migrations do not make it`];
  if (column.type === expected.type && column.required === expected.required) return [];
  return [`${table}.${name}: ${property} expects ${say(expected)}, the migrations make ${say(column)}`];
}

function say({ type, required }: { type: string; required: boolean }): string {
  return `${type}${required ? ' not null' : ' null'}`;
}

async function expectedColumns(database: Database, client: Client): Promise<Expected[]> {
  const properties = [...database.getMetadata().getAll().values()].flatMap(({ className, tableName, props }) =>
    props.map(({ name, fieldNames, columnTypes, nullable }) => ({
      table: tableName,
      name: fieldNames.join(),
      type: columnTypes.join(),
      required: nullable !== true,
      property: `${className}.${name}`,
    })),
  );
  const names = await typeNames(client, properties.map(({ type }) => type));
  return properties.map((property) => ({ ...property, type: names.get(property.type) ?? property.type }));
}

/** The names PostgreSQL gives to types that MikroORM names its own way: `int` is `integer`, `serial` is one too. */
async function typeNames(client: Client, types: string[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ type: string; name: string }>(
    `select type, format_type(to_regtype(plain), to_regtypemod(plain)) as name
     from (select type, regexp_replace(type, 'serial$', 'int') as plain from unnest($1::text[]) as type) as asked where to_regtype(plain) is not null`,
    [[...new Set(types)]],
  );
  return new Map(rows.map(({ type, name }) => [type, name]));
}
