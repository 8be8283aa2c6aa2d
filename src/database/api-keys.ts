import { createHash, randomBytes } from 'node:crypto';
import { ApiKey, type ApiKeyRow, ScopeRow } from './account-rows.ts';
import { type Database, reading } from './orm.ts';
import type { Scope } from './scope.ts';
import { newId } from './uuid.ts';

/** A new API key: 256 random bits in letters and digits. */
export function mintApiKey(mode: Scope['mode']): string {
  return `lk_${mode}_${BigInt(`0x${randomBytes(32).toString('hex')}`).toString(36).padStart(50, '0')}`;
}

/** Only this of an API key is kept. The key itself is 256 random bits: a plain hash is enough. */
export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** What is stored of a key: enough to know it again and to tell it from others, not to use it. */
export function apiKeyRow(key: string, { scope, name, scopes, expiresAt }: { scope: Scope } & Pick<ApiKeyRow, 'name' | 'scopes' | 'expiresAt'>, now: Date): ApiKeyRow {
  return { id: newId(), scopeId: scope.id, name, prefix: key.slice(0, 12), hash: hashApiKey(key), scopes, expiresAt, lastUsedAt: null, createdAt: now, deletedAt: null };
}

/** How old a key's `lastUsedAt` may grow before a request refreshes it. */
const REFRESH_MS = 60_000;

/** The API key that a token is, if it is in force, with the scope it belongs to. */
export async function findApiKey(database: Database, token: string, now: Date): Promise<{ id: string; scopes: string[]; expiresAt: Date | null; scope: Scope } | null> {
  const em = reading(database);
  const key = await em.findOne(ApiKey, { hash: hashApiKey(token), deletedAt: null });
  if (key === null || (key.expiresAt !== null && now >= key.expiresAt)) return null;
  if (key.lastUsedAt === null || now.getTime() - key.lastUsedAt.getTime() > REFRESH_MS) {
    await em.nativeUpdate(ApiKey, { id: key.id }, { lastUsedAt: now });
  }
  return { id: key.id, scopes: key.scopes, expiresAt: key.expiresAt, scope: await readScope(database, key.scopeId) };
}

const known = new WeakMap<Database, Map<number, Scope>>();

/** The scope with this id. Scopes never change, so each is read once. */
export async function readScope(database: Database, id: number): Promise<Scope> {
  const scopes = known.get(database) ?? new Map<number, Scope>();
  known.set(database, scopes);
  const scope = scopes.get(id) ?? (await reading(database).findOneOrFail(ScopeRow, { id }));
  scopes.set(id, { id, accountId: scope.accountId, mode: scope.mode });
  return { id, accountId: scope.accountId, mode: scope.mode };
}
