import { createHmac, timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import { Account, ApiKey, ScopeRow, SecretCheck } from './database/account-rows.ts';
import { apiKeyRow, hashApiKey, mintApiKey } from './database/api-keys.ts';
import { type Database, inTransaction, query, type Transaction } from './database/orm.ts';
import type { Scope } from './database/scope.ts';
import { newId } from './database/uuid.ts';
import { AppError } from './errors.ts';

/** The account every installation starts with. */
const DEFAULT_SLUG = 'default';

const modes = ['live', 'test'] as const;
type Mode = (typeof modes)[number];

/**
 * Refuses to work with another secret than the one this database was made with: every key in it would be unreadable and
 * every lookup would miss.
 */
export async function checkSecret(database: Database, secret: string): Promise<void> {
  const digest = createHmac('sha256', secret).update('tillkey secret check').digest();
  await inTransaction(database, async (tx) => {
    await query(tx, sql`insert into secret_checks (digest) values (${digest}) on conflict do nothing`);
    const stored = await tx.findOneOrFail(SecretCheck, { id: true });
    if (timingSafeEqual(Buffer.from(stored.digest), digest)) return;
    throw new AppError(
      'WRONG_SECRET', 500,
      'TILLKEY_SECRET is not the one this database was made with, so its license keys could not be read. Set the original value (without TILLKEY_SECRET it is in the file `secret` of the data folder)',
    );
  });
}

/** The default account's live and test scope, made on first use. */
export async function defaultScopes(database: Database, now: Date): Promise<Record<Mode, Scope>> {
  return inTransaction(database, async (tx) => {
    await query(tx, sql`insert into accounts (id, slug, name, created_at) values (${newId()}, ${DEFAULT_SLUG}, 'Default', ${now}) on conflict (slug) do nothing`);
    const account = await tx.findOneOrFail(Account, { slug: DEFAULT_SLUG });
    for (const mode of modes) await query(tx, sql`insert into scopes (account_id, mode) values (${account.id}, ${mode}) on conflict do nothing`);
    return { live: await scopeOf(tx, account.id, 'live'), test: await scopeOf(tx, account.id, 'test') };
  });
}

async function scopeOf(tx: Transaction, accountId: string, mode: Mode): Promise<Scope> {
  const { id } = await tx.findOneOrFail(ScopeRow, { accountId, mode });
  return { id, accountId, mode };
}

/**
 * Sees to it that each scope has its first API key: the one given, or, where the scope never had a key, a generated
 * one, handed to `show` before it is stored, so that no key is ever in force that nobody saw.
 */
export async function bootstrapApiKeys(
  database: Database,
  scopes: Record<Mode, Scope>,
  { given, show }: { given: Record<Mode, string | undefined>; show: (keys: { mode: Mode; key: string }[]) => void },
  now: Date,
): Promise<void> {
  await inTransaction(database, async (tx) => {
    // One process at a time: two that start together must not each make a key.
    await query(tx, sql`select id from accounts where slug = ${DEFAULT_SLUG} for update`);
    const generated: { mode: Mode; key: string }[] = [];
    for (const mode of modes) {
      const scope = scopes[mode];
      const first = (await tx.count(ApiKey, { scopeId: scope.id })) === 0;
      const key = given[mode] ?? (first ? mintApiKey(mode) : undefined);
      if (key === undefined || (await tx.count(ApiKey, { hash: hashApiKey(key) })) > 0) continue;
      if (given[mode] === undefined) generated.push({ mode, key });
      tx.persist(tx.create(ApiKey, apiKeyRow(key, { scope, name: 'bootstrap', scopes: [], expiresAt: null }, now)));
    }
    if (generated.length > 0) show(generated);
  });
}
