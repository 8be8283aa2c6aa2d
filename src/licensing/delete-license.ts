import { sql } from 'kysely';
import { query } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { changeLicense } from './change-license.ts';
import type { Licensing } from './licensing.ts';

/** Deletes a license and, with it, its machines: its key is unknown from this commit on, its fingerprints are free. */
export async function deleteLicense(licensing: Licensing, { scope, id }: { scope: Scope; id: string }, now: Date): Promise<Result<unknown>> {
  return changeLicense(licensing, { scope, id }, async (tx, license, at) => {
    license.deletedAt = at;
    await query(tx, sql`update machines set deleted_at = ${at}, updated_at = ${at} where license_id = ${id} and deleted_at is null`);
    return { ok: true, event: 'license.deleted' };
  }, now);
}
