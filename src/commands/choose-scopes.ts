import { Account } from '../database/account-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { readScopes } from '../licensing/read-scopes.ts';
import { type Call, misused } from './command.ts';

/** The sides that `--live`, `--test` and `--account` name: both of the default account where nothing is said. */
export async function chooseScopes({ flags, values }: Pick<Call, 'flags' | 'values'>, { database, scopes }: { database: Database; scopes: Scope[] }): Promise<Scope[]> {
  const { account } = values;
  const sides = account === undefined ? scopes : await readScopes(database, await accountIdOf(database, account));
  if (flags.has('live') === flags.has('test')) return sides;
  return sides.filter(({ mode }) => flags.has(mode));
}

/** The account with this id, name or slug, however it is capitalized. */
async function accountIdOf(database: Database, given: string): Promise<string> {
  const accounts = await reading(database).find(Account, {}, { orderBy: { createdAt: 'asc' } });
  const sought = given.trim().toLowerCase();
  const found = accounts.find(({ id, name, slug }) => [id, name.toLowerCase(), slug].includes(sought));
  if (found !== undefined) return found.id;
  const there = accounts.map(({ id, name }) => `  ${id}  ${name}`).join('\n');
  throw misused(`There is no account ${given}. There are:\n\n${there}\n\nA further one is made with: npm run accounts:create -- <name>`);
}
