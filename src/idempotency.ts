import { sql } from 'kysely';
import { asOneTransaction, type Database, query, reading } from './database/orm.ts';
import type { Sealing } from './database/sealing.ts';
import type { Clock } from './clock.ts';
import type { FirstAnswers } from './handlers/http/idempotency.ts';

/** Answers that are deleted in one statement. */
const MOST_FORGOTTEN = 1_000;

/**
 * The first answers in the database, sealed, because an answer may show a key. The row is inserted first: of two requests
 * at once the second waits for the first to commit and then finds its answer, or, when the first failed, takes its place.
 */
export function createFirstAnswers({ database, clock, sealing, keptHours }: { database: Database; clock: Clock; sealing: Sealing; keptHours: number }): FirstAnswers {
  const keptSince = (now: Date) => new Date(now.getTime() - keptHours * 3_600_000);
  return {
    once: (asked, work) => asOneTransaction(database, async (tx) => {
      const { scope, key, requestHash } = asked;
      const now = clock.now();
      const taken = await query(tx, sql`
        insert into idempotency_keys as kept (scope_id, key, request_hash, answer_sealed, created_at)
        values (${scope.id}, ${key}, ${requestHash}, '', ${now})
        on conflict (scope_id, key) do update set request_hash = excluded.request_hash, answer_sealed = '', created_at = excluded.created_at
          where kept.created_at <= ${keptSince(now)}
        returning 1`);
      if (taken.length === 0) {
        const [kept] = await query(tx, sql<{ request_hash: Buffer; answer_sealed: Buffer }>`
          select request_hash, answer_sealed from idempotency_keys where scope_id = ${scope.id} and key = ${key}`);
        return kept?.request_hash.equals(requestHash) ? { text: sealing.open(kept.answer_sealed), replayed: true } : null;
      }
      const text = await work();
      await query(tx, sql`update idempotency_keys set answer_sealed = ${sealing.seal(text)} where scope_id = ${scope.id} and key = ${key}`);
      return { text, replayed: false };
    }),
    forgetOld: () => forget(database, keptSince(clock.now())),
  };
}

async function forget(database: Database, before: Date): Promise<boolean> {
  const forgotten = await query(reading(database), sql`
    delete from idempotency_keys where (scope_id, key) in (
      select scope_id, key from idempotency_keys where created_at <= ${before} order by created_at limit ${MOST_FORGOTTEN} for update skip locked
    ) returning 1`);
  return forgotten.length > 0;
}
