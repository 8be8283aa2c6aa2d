import { sql } from 'kysely';
import { Account, ApiKey, ScopeRow } from '../database/account-rows.ts';
import { apiKeyRow, mintApiKey } from '../database/api-keys.ts';
import { type Database, inTransaction, insertUnlessTaken, query } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import { ok, refuse, type Result } from '../errors.ts';

const modes = ['live', 'test'] as const;

export type NewAccount = { id: string; name: string; slug: string; keys: { mode: Scope['mode']; key: string }[] };

/**
 * A further account with its two sides and an API key for each. `show` is handed the keys before they are stored, so that no key is
 * ever in force that nobody saw.
 */
export async function createAccount(database: Database, { name, show }: { name: string; show: (account: NewAccount) => void }, now: Date): Promise<Result<NewAccount>> {
  const slug = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');
  if (slug === '') return refuse('VALIDATION_ERROR', 'The name of an account needs a letter or a digit.');
  return inTransaction(database, async (tx) => {
    const account = tx.create(Account, { id: newId(), slug, name, createdAt: now });
    if (!(await insertUnlessTaken(tx, account))) return refuse('CONFLICT', `There is an account ${slug} already.`);
    const created: NewAccount = { id: account.id, name, slug, keys: [] };
    for (const mode of modes) {
      await query(tx, sql`insert into scopes (account_id, mode) values (${account.id}, ${mode})`);
      const { id } = await tx.findOneOrFail(ScopeRow, { accountId: account.id, mode });
      const key = mintApiKey(mode);
      tx.persist(tx.create(ApiKey, apiKeyRow(key, { scope: { id, accountId: account.id, mode }, name: 'first', scopes: [], expiresAt: null }, now)));
      created.keys.push({ mode, key });
    }
    show(created);
    return ok(created);
  });
}
