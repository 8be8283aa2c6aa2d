import type { PoolClient } from 'pg';
import type { Database } from './orm.ts';

/** One thing that was read from a file: `place` says where, `keyHash` is set for what has a key, `owner` is what it belongs to. */
export type Staged = { type: string; id: string; owner: string | null; keyHash: Buffer | null; place: string; data: object };

/** As it comes back: `at` is its number, `doubleOf` the place of the first that has the same key. */
export type StagedRow = Omit<Staged, 'keyHash'> & { at: number; doubleOf: string | null };

/**
 * Where what was read waits until all of a file is known, so that memory holds a few hundred rows of any number: a temporary table, which
 * nobody else can see, no dump holds and the end of its connection takes away.
 */
export type Staging = {
  add(rows: Staged[]): Promise<void>;
  count(type: string): Promise<number>;
  /** The next rows of a type after a number, without those set aside. */
  next(type: string, after: number, most: number): Promise<StagedRow[]>;
  /** What belongs to these owners, without what was set aside. */
  ownedBy(type: string, owners: string[]): Promise<StagedRow[]>;
  /** Those of a type whose owner was never read, without those set aside. */
  strays(type: string, ownerType: string, most: number): Promise<StagedRow[]>;
  /** What has these ids, of whichever of these types. */
  named(types: string[], ids: string[]): Promise<StagedRow[]>;
  setAside(numbers: number[]): Promise<void>;
  /** To be called when all was added, so that PostgreSQL knows what it has. */
  complete(): Promise<void>;
  close(): void;
};

const TABLE = `
  create temporary table staged (
    at integer generated always as identity primary key, type text not null, id text not null, owner text, key_hash bytea, place text not null, data json not null,
    set_aside boolean not null default false)`;

const SHOWN = 'at, type, id, owner, place, data';

export async function openStaging(database: Database): Promise<Staging> {
  const pool = await database.em.getConnection().getNativeClient();
  const client = await pool.connect();
  await client.query(TABLE);
  for (const columns of ['(type, at)', '(type, id)', '(type, owner)', '(key_hash, at)']) await client.query(`create index on staged ${columns}`);
  return stagingOn(client);
}

function stagingOn(client: PoolClient): Staging {
  const rows = async (where: string, values: unknown[]): Promise<StagedRow[]> => {
    const first = 'select f.place from staged f where f.key_hash = s.key_hash and f.at < s.at order by f.at limit 1';
    return (await client.query<StagedRow>(`select ${SHOWN}, (${first}) as "doubleOf" from staged s where ${where}`, values)).rows;
  };
  return {
    add: async (added) => {
      const column = <Key extends keyof Staged>(key: Key) => added.map((row) => row[key]);
      await client.query(
        `insert into staged (type, id, owner, key_hash, place, data) select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::json[])`,
        [column('type'), column('id'), column('owner'), column('keyHash'), column('place'), added.map(({ data }) => JSON.stringify(data))],
      );
    },
    count: async (type) => (await client.query<{ count: number }>('select count(*)::int as count from staged where type = $1', [type])).rows[0]?.count ?? 0,
    next: (type, after, most) => rows('type = $1 and at > $2 and not set_aside order by at limit $3', [type, after, most]),
    ownedBy: (type, owners) => rows('type = $1 and owner = any($2) and not set_aside order by at', [type, owners]),
    strays: (type, ownerType, most) => rows('type = $1 and not set_aside and not exists (select 1 from staged o where o.type = $2 and o.id = s.owner) order by at limit $3', [type, ownerType, most]),
    named: (types, ids) => rows('type = any($1) and id = any($2)', [types, ids]),
    setAside: async (numbers) => void (await client.query('update staged set set_aside = true where at = any($1)', [numbers])),
    complete: async () => void (await client.query('analyze staged')),
    // The connection goes with its table.
    close: () => client.release(true),
  };
}
