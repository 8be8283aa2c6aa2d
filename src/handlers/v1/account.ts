import { z } from 'zod';
import type { AccountRow } from '../../database/account-rows.ts';
import type { Database } from '../../database/orm.ts';
import { ok } from '../../errors.ts';
import { readAccount } from '../../licensing/read-account.ts';
import { accountChange, updateAccount } from '../../licensing/update-account.ts';
import { answersOne, noInput, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const account = z.strictObject({
  id: shown.id, name: z.string(),
  supportEmail: shown.text.meta({ description: 'Where customers write to. Mails and the portal show it, and answers to mails go there.' }),
  contactEmail: shown.text.meta({ description: 'Where Tillkey writes to the vendor; unset, to `supportEmail`, then to the address of `MAIL_FROM`.' }),
  websiteUrl: shown.text.meta({ description: 'Shown to customers in mails and in the portal.' }),
  createdAt: shown.time,
}).meta({ id: 'Account' });

/** The vendor: what customers are told of it. */
export function accountRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/account';
  return [
    managementRoute({ method: 'get', path, permission: 'account:read', summary: 'Read the account', input: noInput, answers: answersOne(account) }, async ({ scope }) =>
      one(ok(await readAccount(database, scope)), viewAccount),
    ),
    managementRoute({ method: 'patch', path, permission: 'account:write', summary: 'Change what customers are told of the vendor', input: accountChange, answers: answersOne(account) }, async ({ scope, input }) =>
      one(ok(await updateAccount(database, scope, input)), viewAccount),
    ),
  ];
}

function viewAccount({ id, name, supportEmail, contactEmail, websiteUrl, createdAt }: AccountRow): object {
  return { id, name, supportEmail, contactEmail, websiteUrl, createdAt };
}
