import { z } from 'zod';
import { Customer } from '../database/license-rows.ts';
import { type Database, inTransaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import { writeMessage } from '../outbox.ts';
import type { PortalLinks } from './portal-links.ts';

/** `ttl` is in seconds: an hour unless told, a week at most, as a link cannot be taken back. `sendEmail` also mails the customer one, of a week. */
export const portalLinkRequest = z.strictObject({
  ttl: z.int().min(300).max(604_800).default(3600).meta({ description: 'Seconds for which the link in the answer works.' }),
  sendEmail: z.boolean().default(false).meta({ description: 'Mails the customer a link of their own, good for a week.' }),
});

/** `messageId`: the mail that is owed, if one is. */
export type PortalLink = { token: string; expiresAt: Date; messageId: string | null };

type Asked = { scope: Scope; id: string; request: z.output<typeof portalLinkRequest> };

/** A link that lets a customer into the portal for a while. Nothing is written but the mail. `createdAt` is when the mail is owed, by the scope's time. */
export async function createPortalLink(
  { database, portalLinks }: { database: Database; portalLinks: PortalLinks },
  { scope, id, request: { ttl, sendEmail } }: Asked,
  createdAt: Date,
  now: Date,
): Promise<Result<PortalLink>> {
  return inTransaction(database, async (tx) => {
    const customer = await tx.findOne(Customer, liveRow(scope, id));
    if (customer === null) return notFound();
    const { id: customerId, email } = customer;
    const expiresAt = new Date(now.getTime() + ttl * 1000);
    const messageId = sendEmail ? writeMessage(tx, scope, { kind: 'portal_link', recipient: email, data: { customerId } }, createdAt) : null;
    return ok({ token: portalLinks.tokenOf({ scopeId: scope.id, customerId, expiresAt }), expiresAt, messageId });
  });
}
