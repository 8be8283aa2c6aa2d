/** The account and mode a row belongs to. `id` stands in the `scope_id` column of every owned row. */
export type Scope = { id: number; accountId: string; mode: 'live' | 'test' };
