import { sql } from 'kysely';
import { type Database, query, reading } from '../database/orm.ts';
import type { KeyReading } from './license-key.ts';

/** How long "no imported key looks like ours" is believed: another process may import one. */
const BELIEVED_MS = 5_000;
const noneSince = new WeakMap<Database, number>();

/**
 * Whether the key is certainly mistyped, so that the database need not be asked for it. While an imported key looks like ours
 * and fails its check, no slip is certain.
 */
export async function isCertainSlip(database: Database, { slip }: KeyReading): Promise<boolean> {
  if (!slip) return false;
  const since = noneSince.get(database);
  if (since !== undefined && performance.now() - since < BELIEVED_MS) return true;
  const found = await query(reading(database), sql`select 1 from licenses where key_lookalike and deleted_at is null limit 1`);
  if (found.length > 0) noneSince.delete(database);
  else noneSince.set(database, performance.now());
  return found.length === 0;
}

/** To be called when a key that looks like ours was imported here. */
export function expectLookalikes(database: Database): void {
  noneSince.delete(database);
}

/** The license that a key opens, by its hash. Where several hold the same imported key, live answers before test, and who had it first. */
export async function findOwnLicense(database: Database, keyHash: Buffer): Promise<{ licenseId: string; scopeId: number } | null> {
  const [found] = await query(reading(database), sql<{ licenseId: string; scopeId: number }>`
    select l.id as "licenseId", l.scope_id as "scopeId" from licenses l join scopes s on s.id = l.scope_id
    where l.key_hash = ${keyHash} and l.deleted_at is null order by s.mode, l.number limit 1`);
  return found ?? null;
}
