import { sql } from 'kysely';
import { asOneTransaction, type Database, query, reading } from './database/orm.ts';
import type { Sealing } from './database/sealing.ts';
import { takeTurns } from './database/turns.ts';
import type { Clock } from './clock.ts';
import type { FirstAnswers } from './handlers/http/idempotency.ts';

const KEPT_MS = 24 * 3_600_000;
/** Each holds a connection while it works or waits, and its work may need another: see the turns of database/orm.ts. */
const MOST_AT_ONCE = 4;

/**
 * The first answers in the database, sealed, because an answer may show a key. The row is inserted first: of two requests
 * at once the second waits for the first to commit and then finds its answer, or, when the first failed, takes its place.
 */
export function createFirstAnswers({ database, clock, sealing }: { database: Database; clock: Clock; sealing: Sealing }): FirstAnswers {
  const inTurn = takeTurns(MOST_AT_ONCE);
  return {
    once: (asked, work) => inTurn(() => asOneTransaction(database, async (tx) => {
      const { scope, key, requestHash } = asked;
      const now = clock.now();
      const taken = await query(tx, sql`
        insert into idempotency_keys as kept (scope_id, key, request_hash, answer_sealed, created_at)
        values (${scope.id}, ${key}, ${requestHash}, '', ${now})
        on conflict (scope_id, key) do update set request_hash = excluded.request_hash, answer_sealed = '', created_at = excluded.created_at
          where kept.created_at <= ${new Date(now.getTime() - KEPT_MS)}
        returning 1`);
      if (taken.length === 0) {
        const [kept] = await query(tx, sql<{ request_hash: Buffer; answer_sealed: Buffer }>`
          select request_hash, answer_sealed from idempotency_keys where scope_id = ${scope.id} and key = ${key}`);
        return kept?.request_hash.equals(requestHash) ? { text: sealing.open(kept.answer_sealed), replayed: true } : null;
      }
      const text = await work();
      await query(tx, sql`update idempotency_keys set answer_sealed = ${sealing.seal(text)} where scope_id = ${scope.id} and key = ${key}`);
      return { text, replayed: false };
    })),
    forgetOld: async () => {
      await query(reading(database), sql`delete from idempotency_keys where created_at <= ${new Date(clock.now().getTime() - KEPT_MS)}`);
    },
  };
}
