import type { Database } from '../database/orm.ts';
import { type Prepared, runPrepared, shareStatement } from '../database/prepared.ts';

/**
 * Rows are locked in one order, so that two processes never wait for one another; the limit is read again under the lock.
 * `before` is the count that this statement found.
 */
const statement: Prepared = {
  name: 'take-uses',
  text: `
    with asked as (select * from unnest($1::uuid[], $2::int[]) as a (id, wanted)),
    locked as (select l.id, l.uses_count as before from licenses l join asked on asked.id = l.id order by l.id for update of l)
    update licenses l set uses_count = locked.before + least(asked.wanted, greatest(coalesce(l.max_uses_override, o.max_uses, 2147483647) - locked.before, 0))
    from asked, locked, policies o where asked.id = l.id and locked.id = l.id and o.id = l.policy_id
    returning l.id, l.uses_count as after, l.uses_count - locked.before as granted`,
};

/**
 * Takes one use of a license, against its limit: the count after it, or null when none was left. Committed before it answers;
 * takings of one license that wait together are one update.
 */
export function useTaker(database: Database): (licenseId: string) => Promise<number | null> {
  return shareStatement<string, number | null>(Number(process.env['L2'] ?? 2), async (licenseIds) => {
    const wanted = new Map<string, number>();
    for (const id of licenseIds) wanted.set(id, (wanted.get(id) ?? 0) + 1);
    const rows = await runPrepared<{ id: string; after: number; granted: number }>(database, statement, [[...wanted.keys()], [...wanted.values()]]);
    const left = new Map(rows.map(({ id, after, granted }) => [id, { next: after - granted, after }]));
    return licenseIds.map((id) => {
      const counter = left.get(id);
      if (!counter || counter.next >= counter.after) return null;
      counter.next += 1;
      return counter.next;
    });
  });
}
