import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { License } from '../database/license-rows.ts';
import { type Database, inOwnTransaction, query, type Transaction } from '../database/orm.ts';
import type { EventType } from './core/event.ts';
import { viewLicense } from './license-view.ts';
import { recordEvents } from './record-event.ts';
import { withDetails } from './store.ts';

/**
 * What a validation leaves behind and need not be exact at once: when the license was last validated, uses that no limit
 * counts, and which fingerprints asked. It is gathered here and written once a second; a clean stop writes it, a kill may
 * lose that second.
 */

/** `at` is the judged time; `valid` is false for a validation that failed, `fingerprint` null for one that brought none. */
type Note = { licenseId: string; scopeId: number; at: Date; valid: boolean; uses: number; fingerprint: string | null };

/** `flush` never fails: what could not be written is kept. */
export type ValidationNotes = {
  /** Returns the uses of this license that wait here to be written, this one among them. */
  add(note: Note): number;
  flush(): Promise<void>;
};

/** Judged times: the last validation of any outcome, and the first and last that succeeded. */
type Gathered = { scopeId: number; at: Date; validSince: Date | null; validatedAt: Date | null; uses: number; fingerprints: Set<string> };

type Batch = Map<string, Gathered>;

const EVERY_MS = 1_000;
/** Licenses written in one transaction: a counted use of one of them must not wait long for its lock. */
const MOST_AT_ONCE = 500;
/** Fingerprints that were written are remembered, up to this many, so that a machine's next question costs nothing. */
const MOST_REMEMBERED = 200_000;

type Setting = { database: Database; slackHours: number; warn: (error: unknown) => void; now: () => Date };

export function gatherNotes({ database, slackHours, warn, now }: Setting): ValidationNotes {
  let gathered: Batch = new Map();
  let flushing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const written = new Set<string>();

  const add = (note: Note) => {
    gather(gathered, note, written);
    timer ??= setTimeout(() => void flush(), EVERY_MS);
    return gathered.get(note.licenseId)?.uses ?? 0;
  };
  const writeBatch = async (batch: Batch) => {
    const failure = await inOwnTransaction(database, (tx) => writeNotes(tx, batch, slackHours, now())).then(() => null, (error: unknown) => ({ error }));
    if (failure) {
      // Kept for the next time: the database may be back by then.
      for (const [licenseId, note] of batch) merge(gathered, licenseId, note);
      timer ??= setTimeout(() => void flush(), EVERY_MS);
      return warn(failure.error);
    }
    if (written.size > MOST_REMEMBERED) written.clear();
    for (const [licenseId, { fingerprints }] of batch) for (const fingerprint of fingerprints) written.add(licenseId + fingerprint);
  };
  const write = async () => {
    clearTimeout(timer);
    timer = undefined;
    const all = [...gathered];
    gathered = new Map();
    for (let n = 0; n < all.length; n += MOST_AT_ONCE) await writeBatch(new Map(all.slice(n, n + MOST_AT_ONCE)));
  };
  const flush = () => (flushing = flushing.then(write));
  return { add, flush };
}

function gather(gathered: Batch, { licenseId, scopeId, at, valid, uses, fingerprint }: Note, written: Set<string>): void {
  const validAt = valid ? at : null;
  const isNew = fingerprint !== null && !written.has(licenseId + fingerprint);
  merge(gathered, licenseId, { scopeId, at, validSince: validAt, validatedAt: validAt, uses, fingerprints: isNew ? new Set([fingerprint]) : NONE });
}

const NONE: Set<string> = new Set();

function merge(gathered: Batch, licenseId: string, more: Gathered): void {
  const before = gathered.get(licenseId);
  gathered.set(licenseId, before === undefined ? more : {
    scopeId: more.scopeId,
    at: more.at > before.at ? more.at : before.at,
    validSince: earlier(before.validSince, more.validSince),
    validatedAt: later(before.validatedAt, more.validatedAt),
    uses: before.uses + more.uses,
    fingerprints: more.fingerprints.size === 0 ? before.fingerprints : before.fingerprints.union(more.fingerprints),
  });
}

function earlier(a: Date | null, b: Date | null): Date | null {
  return a === null || (b !== null && b < a) ? b : a;
}

function later(a: Date | null, b: Date | null): Date | null {
  return a === null || (b !== null && b > a) ? b : a;
}

async function writeNotes(tx: Transaction, batch: Batch, slackHours: number, now: Date): Promise<void> {
  const neverValidated = await lockLicenses(tx, [...batch.keys()]);
  await writeValidations(tx, batch);
  const activated = neverValidated.filter((id) => batch.get(id)?.validatedAt != null);
  await tell(tx, { ids: activated, type: 'license.activated', at: (id) => batch.get(id)?.validSince ?? now, slackHours }, now);
  await tell(tx, { ids: await writeFingerprints(tx, batch), type: 'license.sharing_detected', at: (id) => batch.get(id)?.at ?? now, slackHours }, now);
}

/**
 * Locks all rows at once and in one order: two processes that write about the same licenses must never wait for one another. Returns
 * those that were never validated before.
 */
async function lockLicenses(tx: Transaction, ids: string[]): Promise<string[]> {
  const rows = await query(tx, sql<{ id: string; fresh: boolean }>`
    select id, last_validated_at is null as fresh from licenses where id = any(${ids}::uuid[]) order by id for update`);
  return rows.filter(({ fresh }) => fresh).map(({ id }) => id);
}

async function writeValidations(tx: Transaction, batch: Batch): Promise<void> {
  const valid = [...batch].flatMap(([id, { validatedAt, uses }]) => (validatedAt === null ? [] : [{ id, validatedAt: validatedAt.toISOString(), uses }]));
  if (valid.length === 0) return;
  await query(tx, sql`
    update licenses l set last_validated_at = greatest(l.last_validated_at, noted.at), uses_count = least(l.uses_count::bigint + noted.uses, 2147483647)
    from unnest(${valid.map(({ id }) => id)}::uuid[], ${valid.map(({ validatedAt }) => validatedAt)}::timestamptz[], ${valid.map(({ uses }) => uses)}::int[]) as noted (id, at, uses)
    where noted.id = l.id`);
}

/** Returns the licenses whose count of fingerprints went past what their policy takes for one customer's. */
async function writeFingerprints(tx: Transaction, batch: Batch): Promise<string[]> {
  const seen = [...batch].flatMap(([licenseId, { scopeId, at, fingerprints }]) => [...fingerprints].map((fingerprint) => ({ licenseId, scopeId, at: at.toISOString(), hash: createHash('sha256').update(fingerprint).digest() })));
  if (seen.length === 0) return [];
  const rows = await query(tx, sql<{ id: string }>`
    with seen as (
      select * from unnest(${seen.map(({ licenseId }) => licenseId)}::uuid[], ${seen.map(({ scopeId }) => scopeId)}::int[], ${seen.map(({ hash }) => hash)}::bytea[], ${seen.map(({ at }) => at)}::timestamptz[]) as s (license_id, scope_id, hash, at)
    ),
    fresh as (
      insert into license_fingerprints (scope_id, license_id, fingerprint_hash, first_seen_at)
      select scope_id, license_id, hash, at from seen order by license_id, hash on conflict do nothing returning license_id
    ),
    counted as (select license_id, count(*)::int as added from fresh group by license_id),
    grown as (
      update licenses l set fingerprints_count = l.fingerprints_count + counted.added from counted where l.id = counted.license_id
      returning l.id, l.policy_id, l.fingerprints_count as after, l.fingerprints_count - counted.added as before
    )
    select grown.id from grown join policies o on o.id = grown.policy_id
    where grown.before <= o.max_unique_fingerprints and grown.after > o.max_unique_fingerprints`);
  return rows.map(({ id }) => id);
}

type Told = { ids: string[]; type: EventType; at: (id: string) => Date; slackHours: number };

async function tell(tx: Transaction, { ids, type, at, slackHours }: Told, now: Date): Promise<void> {
  if (ids.length === 0) return;
  const licenses = await withDetails(tx, await tx.find(License, { id: { $in: ids } }));
  await recordEvents(tx, licenses.map((license) => ({ type, scopeId: license.scopeId, licenseId: license.id, at: at(license.id), data: viewLicense(license, slackHours, at(license.id)) })), now);
}
