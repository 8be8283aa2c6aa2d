import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import { AppError } from '../errors.ts';
import { createAccount, type NewAccount } from '../licensing/create-account.ts';
import { type Command, misused } from './command.ts';

export const accountsCreate: Command<{ database: Database; clock: Clock; publicUrl: string }> = {
  name: 'accounts:create',
  summary: 'make a further account, with API keys for its live and its test side',
  help: `npm run accounts:create -- <name>

Makes a further account: a vendor with data of its own, apart from every other account's. Prints its id, the address that its Stripe
events arrive at, and an API key each for its live and its test side, which are shown this once. npm run stripe:connect then
connects its Stripe account.
`,
  takes: { words: 1 },
  run: async ({ words: [name], say }, { database, clock, publicUrl }) => {
    if (name === undefined || name.trim() === '' || name.length > 255) throw misused('Give the account a name of up to 255 characters.');
    const created = await createAccount(database, { name: name.trim(), show: (account) => say(described(account, publicUrl)) }, clock.now());
    if (!created.ok) throw new AppError(created.refused, 400, created.message);
  },
};

function described({ id, name, keys }: NewAccount, publicUrl: string): string {
  const lines = keys.map(({ mode, key }) => `  ${mode}   ${key}`);
  return `
The account ${name} has the id ${id}.
Its Stripe events arrive at ${publicUrl}/webhooks/stripe/${id}

Its API keys. They are shown this once; keep them safe.

${lines.join('\n')}

To connect its Stripe account, with a Stripe API key at hand:

  npm run stripe:connect -- --account ${id} --test --key-from-stdin < file-with-the-key`;
}
