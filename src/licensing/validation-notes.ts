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

/** `validatedAt` is null for a validation that failed, `fingerprint` for one that brought none. */
type Note = { licenseId: string; scopeId: number; validatedAt: Date | null; uses: number; fingerprint: string | null };

/** `flush` never fails: what could not be written is kept. */
export type ValidationNotes = {
  /** Returns the uses of this license that wait here to be written, this one among them. */
  add(note: Note): number;
  flush(): Promise<void>;
};

type Gathered = { scopeId: number; validatedAt: Date | null; uses: number; fingerprints: Set<string> };

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
      for (const note of notesOf(batch)) add(note);
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

function gather(gathered: Batch, note: Note, written: Set<string>): void {
  const { licenseId, scopeId, validatedAt, uses, fingerprint } = note;
  const before = gathered.get(licenseId) ?? { scopeId, validatedAt: null, uses: 0, fingerprints: new Set<string>() };
  const later = validatedAt !== null && (before.validatedAt === null || validatedAt > before.validatedAt);
  if (fingerprint !== null && !written.has(licenseId + fingerprint)) before.fingerprints.add(fingerprint);
  gathered.set(licenseId, { ...before, validatedAt: later ? validatedAt : before.validatedAt, uses: before.uses + uses });
}

function notesOf(batch: Batch): Note[] {
  return [...batch].flatMap(([licenseId, { scopeId, validatedAt, uses, fingerprints }]) =>
    [null, ...fingerprints].map((fingerprint) => ({ licenseId, scopeId, validatedAt, uses: fingerprint === null ? uses : 0, fingerprint })));
}

async function writeNotes(tx: Transaction, batch: Batch, slackHours: number, now: Date): Promise<void> {
  const neverValidated = await lockLicenses(tx, [...batch.keys()]);
  await writeValidations(tx, batch);
  const activated = neverValidated.filter((id) => batch.get(id)?.validatedAt != null);
  await tell(tx, { ids: activated, type: 'license.activated', slackHours }, now);
  await tell(tx, { ids: await writeFingerprints(tx, batch, now), type: 'license.sharing_detected', slackHours }, now);
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
async function writeFingerprints(tx: Transaction, batch: Batch, now: Date): Promise<string[]> {
  const seen = [...batch].flatMap(([licenseId, { scopeId, fingerprints }]) => [...fingerprints].map((fingerprint) => ({ licenseId, scopeId, hash: createHash('sha256').update(fingerprint).digest() })));
  if (seen.length === 0) return [];
  const rows = await query(tx, sql<{ id: string }>`
    with seen as (
      select * from unnest(${seen.map(({ licenseId }) => licenseId)}::uuid[], ${seen.map(({ scopeId }) => scopeId)}::int[], ${seen.map(({ hash }) => hash)}::bytea[]) as s (license_id, scope_id, hash)
    ),
    fresh as (
      insert into license_fingerprints (scope_id, license_id, fingerprint_hash, first_seen_at)
      select scope_id, license_id, hash, ${now} from seen order by license_id, hash on conflict do nothing returning license_id
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

async function tell(tx: Transaction, { ids, type, slackHours }: { ids: string[]; type: EventType; slackHours: number }, now: Date): Promise<void> {
  if (ids.length === 0) return;
  const licenses = await withDetails(tx, await tx.find(License, { id: { $in: ids } }));
  await recordEvents(tx, licenses.map((license) => ({ type, scopeId: license.scopeId, licenseId: license.id, data: viewLicense(license, slackHours, now) })), now);
}
