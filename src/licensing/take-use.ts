import type { Database } from '../database/orm.ts';
import { inBatches } from '../database/in-batches.ts';
import { type Prepared, runPrepared } from '../database/prepared.ts';

/** The limit is read again under the row's lock; rows are locked in one order, so that two processes never wait for one another. */
const taking = (name: string, whenLocked: string): Prepared => ({
  name,
  text: `
    with asked as (select * from unnest($1::uuid[], $2::int[]) as a (id, wanted)),
    locked as (select l.id, l.uses_count as before from licenses l join asked on asked.id = l.id order by l.id for update of l ${whenLocked})
    update licenses l set uses_count = locked.before + least(asked.wanted, greatest(coalesce(l.max_uses_override, o.max_uses, 2147483647) - locked.before, 0))
    from asked, locked, policies o where asked.id = l.id and locked.id = l.id and o.id = l.policy_id
    returning l.id, l.uses_count as after, l.uses_count - locked.before as granted`,
});

const ofAllThatAreFree = taking('take-uses', 'skip locked');
const ofOneInTurn = taking('take-uses-in-turn', '');

/**
 * Takes one use of a license, against its limit: the count after it, or null when none was left. Committed before it answers.
 * Takings that wait together are one update. A license whose row somebody else holds does not keep the others waiting: its
 * takings wait for it in a statement of their own.
 */
export function useTaker(database: Database): (licenseId: string) => Promise<number | null> {
  const take = inBatches<string, () => Promise<number | null>>(async (licenseIds) => {
    const wanted = new Map<string, number>();
    for (const id of licenseIds) wanted.set(id, (wanted.get(id) ?? 0) + 1);
    const free = await run(database, ofAllThatAreFree, wanted);
    const held = new Map([...wanted].filter(([id]) => !free.has(id)).map(([id, count]) => [id, run(database, ofOneInTurn, new Map([[id, count]]))]));
    return licenseIds.map((id) => async () => next(free.get(id) ?? (await held.get(id))?.get(id)));
  });
  return async (licenseId) => (await take(licenseId))();
}

/** The uses that a statement granted of one license: the counts from `next` on, up to `last`. */
type Granted = { next: number; last: number };

async function run(database: Database, statement: Prepared, wanted: Map<string, number>): Promise<Map<string, Granted>> {
  const rows = await runPrepared<{ id: string; after: number; granted: number }>(database, statement, [[...wanted.keys()], [...wanted.values()]]);
  return new Map(rows.map(({ id, after, granted }) => [id, { next: after - granted + 1, last: after }]));
}

function next(granted: Granted | undefined): number | null {
  if (granted === undefined || granted.next > granted.last) return null;
  granted.next += 1;
  return granted.next - 1;
}
