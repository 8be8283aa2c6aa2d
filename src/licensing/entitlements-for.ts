import { sql } from 'kysely';
import { query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';

/** The ids of the entitlements with these codes, each made, under its code as a name, where there is none. Two at once make one. */
export async function entitlementsFor(tx: Transaction, scope: Pick<Scope, 'id'>, codes: string[], now: Date): Promise<string[]> {
  for (;;) {
    const found = await query(tx, sql<{ id: string; code: string }>`select id, code from entitlements where scope_id = ${scope.id} and code = any(${codes}::text[]) and deleted_at is null`);
    // In one order, so that no two wait for one another.
    const missing = codes.filter((code) => found.every((one) => one.code !== code)).sort();
    if (missing.length === 0) return found.map(({ id }) => id);
    await query(tx, sql`
      insert into entitlements (id, scope_id, code, name, metadata, created_at, updated_at)
      select id, ${scope.id}, code, code, '{}', ${now}, ${now} from unnest(${missing.map(() => newId())}::uuid[], ${missing}::text[]) as new (id, code)
      on conflict (scope_id, code) where deleted_at is null do nothing`);
  }
}
