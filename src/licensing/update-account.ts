import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { Account, type AccountRow } from '../database/account-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';

/** Words that stand in headers and lines of mails: what breaks a line there would break out of it. */
const inOneLine = (text: string) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);

export const accountChange = z.strictObject({
  name: z.string().trim().min(1).max(255).refine(inOneLine, 'Expected one line, without control characters.'),
  supportEmail: z.email().max(320).nullable(),
  contactEmail: z.email().max(320).nullable(),
  // Looked at as it was written: reading it as a URL would mend line breaks away.
  websiteUrl: z.string().max(2048).regex(/^\S*$/, 'Expected no spaces and no line breaks.').pipe(z.url({ protocol: /^https?$/, error: 'Expected a URL that begins with https:// or http://.' })).nullable(),
}).partial();

/** Changes what the request names. An account is one vendor: both of its sides, live and test, show the same words. */
export async function updateAccount(database: Database, { accountId }: Pick<Scope, 'accountId'>, change: z.output<typeof accountChange>): Promise<AccountRow> {
  return inTransaction(database, async (tx) => {
    const account = await tx.findOneOrFail(Account, { id: accountId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    Object.assign(account, change);
    await tx.flush();
    return account;
  });
}
