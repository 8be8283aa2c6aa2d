/** One page of a list: `cursor` is the id of the last row of the page before. */
export type PageRequest = { limit: number; cursor?: string | undefined };

export type Page<Row> = { rows: Row[]; nextCursor: string | null };

/** A list to page through: its row with an id, and its next rows after one, or from the top. */
export type List<Row> = {
  at: (id: string) => Promise<Row | null>;
  after: (last: Row | null, limit: number) => Promise<Row[]>;
};

/** A page of a list, stable while rows are added. Null when the cursor is not a row of this list. */
export async function readPage<Row extends { id: string }>(list: List<Row>, { limit, cursor }: PageRequest): Promise<Page<Row> | null> {
  const last = cursor === undefined ? null : await list.at(cursor);
  if (cursor !== undefined && last === null) return null;
  const found = await list.after(last, limit + 1);
  const rows = found.slice(0, limit);
  return { rows, nextCursor: found.length > limit ? (rows.at(-1)?.id ?? null) : null };
}

/** Ids are made in the order of time, so the rows after one, newest first, are those with a smaller id. */
export function older(last: { id: string } | null): { id?: { $lt: string } } {
  return last === null ? {} : { id: { $lt: last.id } };
}

export const newestFirst = { id: 'desc' } as const;
