import type { z } from 'zod';
import type { ApiKeyRow } from '../database/account-rows.ts';
import type { Database } from '../database/orm.ts';
import type { Result } from '../errors.ts';
import { changeApiKey } from './change-api-key.ts';
import { apiKeyFields, type KeyHolder, refuseKey } from './create-api-key.ts';

export const apiKeyChange = apiKeyFields.partial();

/** Changes what the request names, for the next request that brings the key. The key itself stays. */
export async function updateApiKey(database: Database, holder: KeyHolder & { id: string }, request: z.output<typeof apiKeyChange>, now: Date): Promise<Result<ApiKeyRow>> {
  return changeApiKey(database, holder, (key) => {
    const refused = refuseKey(holder, request, now);
    if (refused === null) Object.assign(key, request);
    return refused;
  });
}
