import { type Database, inTransaction, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { StripeFact } from './core/facts.ts';
import { idsOf, namesOf } from './core/names.ts';
import { factsOfPayments, lockStripeIds } from './store.ts';

/**
 * Runs `work` in one transaction that holds the lock of every Stripe id by which these facts bear on others, `ids` too. Of two
 * transactions whose facts bear on one another the second then sees what the first wrote. Which ids these are depends
 * on what is stored: whoever finds under the locks that they reach further begins again, with all of them, in order.
 */
export async function lockFacts<T>(
  database: Database,
  { scope, facts, ids }: { scope: Scope; facts: StripeFact[]; ids: string[] },
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const locked = new Set([...ids, ...facts.flatMap(idsOf)]);
  for (;;) {
    const result = await inTransaction(database, async (tx) => {
      await lockStripeIds(tx, scope, [...locked]);
      const linked = await factsOfPayments(tx, scope, facts.flatMap((fact) => namesOf(fact).paymentIds));
      const further = linked.flatMap(({ fact }) => idsOf(fact)).filter((id) => !locked.has(id));
      return further.length > 0 ? { ok: false as const, further } : { ok: true as const, value: await work(tx) };
    });
    if (result.ok) return result.value;
    for (const id of result.further) locked.add(id);
  }
}
