import type { Database } from '../database/orm.ts';
import type { Result } from '../errors.ts';
import { changeApiKey } from './change-api-key.ts';
import type { KeyHolder } from './create-api-key.ts';

/** Deletes an API key, the caller's own too: from this commit on nobody is let in with it. */
export async function deleteApiKey(database: Database, holder: KeyHolder & { id: string }, now: Date): Promise<Result<unknown>> {
  return changeApiKey(database, holder, (key) => {
    key.deletedAt = now;
    return null;
  });
}
