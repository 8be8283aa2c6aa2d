import { z } from 'zod';
import { ApiKey, type ApiKeyRow } from '../database/account-rows.ts';
import { apiKeyRow, mintApiKey } from '../database/api-keys.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, refuse, refuseField, type Result } from '../errors.ts';
import { moment } from './core/moment.ts';
import { mayHandOut, permissions } from './core/permission.ts';

/** What a vendor may say of an API key, on create and later. No scopes: everything. */
export const apiKeyFields = z.strictObject({
  name: z.string().min(1).max(255),
  scopes: z.array(z.enum(permissions)).max(permissions.length).transform((scopes) => [...new Set(scopes)]),
  expiresAt: moment.nullable(),
});

export const apiKeyRequest = apiKeyFields.extend({ scopes: apiKeyFields.shape.scopes.default([]), expiresAt: apiKeyFields.shape.expiresAt.default(null) });

/** Who asks: the scope their key belongs to, what it allows (`own`; none is everything), and its end. */
export type KeyHolder = { scope: Scope; own: string[]; ownEnd: Date | null };

/** A new API key of the caller's scope, which may do no more than the caller. This answer alone has the key itself. */
export async function createApiKey(
  database: Database,
  holder: KeyHolder,
  request: z.output<typeof apiKeyRequest>,
  now: Date,
): Promise<Result<ApiKeyRow & { key: string }>> {
  const refused = refuseKey(holder, request, now);
  if (refused) return refused;
  const { scope } = holder;
  const key = mintApiKey(scope.mode);
  return inTransaction(database, async (tx) => {
    const row = tx.create(ApiKey, apiKeyRow(key, { scope, ...request }, now));
    await tx.persist(row).flush();
    return ok({ ...row, key });
  });
}

/** What of the wanted key its maker may not ask for. */
export function refuseKey({ own, ownEnd }: KeyHolder, { scopes, expiresAt }: { scopes?: string[] | undefined; expiresAt?: Date | null | undefined }, now: Date) {
  if (scopes !== undefined && !mayHandOut(own, scopes)) return refuseMore();
  if (ownEnd !== null && expiresAt !== undefined && (expiresAt === null || expiresAt > ownEnd)) return refuse('FORBIDDEN', 'A key with an end may only make and change keys that end no later. Send `expiresAt`.');
  if (expiresAt != null && expiresAt <= now) return refuseField('expiresAt', 'This moment has passed. To end a key now, delete it.', 'in_the_past');
  return null;
}

/** The refusal of whoever would reach beyond their own scopes through another key. */
export function refuseMore() {
  return refuse('FORBIDDEN', 'A key with scopes may only make, change and delete keys with some of its own scopes, and at least one.');
}
