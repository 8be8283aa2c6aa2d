import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { readScopes } from '../licensing/read-scopes.ts';
import { type Call, misused } from './command.ts';

/** The sides that `--live`, `--test` and `--account ID` name: both of the default account where nothing is said. */
export async function chooseScopes({ flags, values }: Pick<Call, 'flags' | 'values'>, { database, scopes }: { database: Database; scopes: Scope[] }): Promise<Scope[]> {
  const { account } = values;
  const sides = account === undefined ? scopes : await readScopes(database, account);
  if (sides.length === 0) throw misused(`There is no account ${account}. Make one with: npm run accounts:create -- <name>`);
  if (flags.has('live') === flags.has('test')) return sides;
  return sides.filter(({ mode }) => flags.has(mode));
}
