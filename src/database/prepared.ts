import type { QueryResultRow } from 'pg';
import type { Database } from './orm.ts';

/** A statement that each connection plans once, by its name. Its text must never change under one name. */
export type Prepared = { name: string; text: string };

/** Runs a prepared statement on a connection of the ORM's own pool, outside any transaction. Times come as text. */
export async function runPrepared<Row extends QueryResultRow>(database: Database, { name, text }: Prepared, values: unknown[]): Promise<Row[]> {
  const pool = await database.em.getConnection().getNativeClient();
  return (await pool.query<Row>({ name, text, values })).rows;
}

/** Times in a statement of our own come as text: the ORM's pool leaves reading them to its row definitions. */
export function dateOf(time: string): Date {
  return new Date(time);
}

export function dateOrNull(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}
