import { LockMode } from '@mikro-orm/core';
import { inBatches } from '../database/in-batches.ts';
import { License } from '../database/license-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { type Prepared, runPrepared } from '../database/prepared.ts';
import { tellLimit } from './tell-limit.ts';
import { detailsOf } from './store.ts';

/**
 * The limit is read again under the row's lock; rows are locked in one order, so that two processes never wait for one another. The last use
 * that a limit leaves is not given here: that it was taken is told.
 */
const taking = (name: string, whenLocked: string): Prepared => ({
  name,
  text: `
    with asked as (select * from unnest($1::uuid[], $2::int[]) as a (id, wanted)),
    locked as (select l.id, l.uses_count as before from licenses l join asked on asked.id = l.id order by l.id for update of l ${whenLocked})
    update licenses l set uses_count = locked.before + least(asked.wanted, greatest(coalesce(l.max_uses_override, o.max_uses, 2147483647) - 1 - locked.before, 0))
    from asked, locked, policies o where asked.id = l.id and locked.id = l.id and o.id = l.policy_id
    returning l.id, l.uses_count as after, l.uses_count - locked.before as granted`,
});

const ofAllThatAreFree = taking('take-uses', 'skip locked');
const ofOneInTurn = taking('take-uses-in-turn', '');

type Setting = { database: Database; slackHours: number };

type Asked = { licenseId: string; at: Date };

/**
 * Takes one use of a license, against its limit: the count after it, or null when none was left. Committed before it answers.
 * Takings that wait together are one update. What that could not give, because somebody else holds the license or its last use is
 * near, is taken in turn, a license by itself, and keeps no other license waiting.
 */
export function useTaker(setting: Setting): (licenseId: string, at: Date) => Promise<number | null> {
  const take = inBatches<Asked, () => Promise<number | null>>(async (asked) => {
    const wanted = new Map<string, number>();
    for (const { licenseId } of asked) wanted.set(licenseId, (wanted.get(licenseId) ?? 0) + 1);
    const given = await takeBy(ofAllThatAreFree, setting.database, wanted);
    const inTurn = new Map<string, Promise<Granted[]>>();
    for (const { licenseId, at } of asked) {
      const missing = (wanted.get(licenseId) ?? 0) - (given.get(licenseId)?.count ?? 0);
      if (missing > 0 && !inTurn.has(licenseId)) inTurn.set(licenseId, takeInTurn(setting, { licenseId, wanted: missing, held: !given.has(licenseId) }, at));
    }
    return asked.map(({ licenseId }) => async () => next([given.get(licenseId)]) ?? next((await inTurn.get(licenseId)) ?? []));
  });
  return async (licenseId, at) => (await take({ licenseId, at }))();
}

/** The uses that were granted of one license: `count` of them, from the one that made the count `next`. */
type Granted = { next: number; count: number };

async function takeBy(statement: Prepared, database: Database, wanted: Map<string, number>): Promise<Map<string, Granted>> {
  const rows = await runPrepared<{ id: string; after: number; granted: number }>(database, statement, [[...wanted.keys()], [...wanted.values()]]);
  return new Map(rows.map(({ id, after, granted }) => [id, { next: after - granted + 1, count: granted }]));
}

/** Waits for who holds the license, in a statement; only the last use takes a transaction. */
async function takeInTurn(setting: Setting, { licenseId, wanted, held }: { licenseId: string; wanted: number; held: boolean }, at: Date): Promise<Granted[]> {
  const waited = held ? (await takeBy(ofOneInTurn, setting.database, new Map([[licenseId, wanted]]))).get(licenseId) : undefined;
  const missing = wanted - (waited?.count ?? 0);
  const last = missing > 0 ? await takeLast(setting, { licenseId, wanted: missing }, at) : undefined;
  return [waited, last].filter((granted) => granted !== undefined);
}

async function takeLast({ database, slackHours }: Setting, { licenseId, wanted }: { licenseId: string; wanted: number }, at: Date): Promise<Granted> {
  return inTransaction(database, async (tx) => {
    const license = await tx.findOneOrFail(License, { id: licenseId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const { maxUses } = await detailsOf(tx, license);
    const { usesCount: before } = license;
    const count = maxUses === null ? wanted : Math.max(0, Math.min(wanted, maxUses - before));
    license.usesCount = before + count;
    await tx.flush();
    if (count > 0 && license.usesCount === maxUses) await tellLimit(tx, { license, kind: 'uses', slackHours }, at);
    return { next: before + 1, count };
  });
}

function next(all: (Granted | undefined)[]): number | null {
  const granted = all.find((one) => one !== undefined && one.count > 0);
  if (granted === undefined) return null;
  granted.count -= 1;
  granted.next += 1;
  return granted.next - 1;
}
