import type { EntityName, FilterQuery } from '@mikro-orm/core';
import type { Transaction } from './orm.ts';

/** One page of a list: `cursor` is the id of the last row of the page before. */
export type PageRequest = { limit: number; cursor?: string | undefined };

export type Page<Row> = { rows: Row[]; nextCursor: string | null };

type Owned = { id: string; scopeId: number };

/**
 * A page of the scope's rows, newest first by `newest` and then id, stable while rows are added. Null when the cursor
 * is not a row of this list.
 */
export async function readPage<Row extends Owned>(
  tx: Transaction,
  entity: EntityName<Row>,
  where: FilterQuery<Row> & { scopeId: number },
  { limit, cursor, newest = 'createdAt' }: PageRequest & { newest?: 'createdAt' | 'receivedAt' },
): Promise<Page<Row> | null> {
  let after: object = {};
  if (cursor !== undefined) {
    const from = await tx.findOne(entity, { id: cursor, scopeId: where.scopeId } as FilterQuery<Row>);
    if (from === null) return null;
    const time = (from as Record<string, unknown>)[newest];
    after = { $or: [{ [newest]: { $lt: time } }, { [newest]: time, id: { $lt: cursor } }] };
  }
  const found = await tx.find(entity, { $and: [where, after] } as FilterQuery<Row>, {
    orderBy: [{ [newest]: 'desc' }, { id: 'desc' }] as never,
    limit: limit + 1,
  });
  const rows = found.slice(0, limit) as Row[];
  return { rows, nextCursor: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}
