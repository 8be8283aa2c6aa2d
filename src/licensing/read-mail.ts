import { Account, ScopeRow } from '../database/account-rows.ts';
import type { MessageRow } from '../database/exchange-rows.ts';
import { Customer, type CustomerRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import { WebhookEndpoint } from '../database/webhook-rows.ts';
import { isReminder, type MessageContent, type MessageOf, readContent } from './core/message.ts';
import { hintOf, type LicenseKeys } from './license-key.ts';
import { type Vendor, vendorOf } from './read-account.ts';
import { licensesWithProducts } from './store.ts';

/** A license as a mail shows it. `key` is whole in the mail that delivers it, and only its end in every other. */
export type MailedLicense = { productName: string; key: string };

type OfLicenses = Exclude<MessageContent, MessageOf<'portal_link'> | MessageOf<'endpoint_disabled'>>;

/** What a mail has to say: what was so when it was owed, and what is read now that it is sent. */
export type MailContent = (OfLicenses & { licenses: MailedLicense[] }) | MessageOf<'portal_link'> | (MessageOf<'endpoint_disabled'> & { url: string });

/** `holder`: whose portal and reminders it is about, where the mail goes to their own address. */
export type OwedMail = { content: MailContent; vendor: Vendor; mode: 'live' | 'test'; holder: { scopeId: number; customerId: string } | null };

/** Why a mail is not sent: what it is about is gone, or its reader wants none of its kind. */
export type Unsendable = { gone: string } | { unwanted: string };

type Owner = Pick<CustomerRow, 'id' | 'email' | 'unsubscribedAt'>;
type Found = { content: MailContent; customer: Owner | null };

/** What a mail that is owed needs to be written, read at the moment it is sent. */
export async function readMail(tx: Transaction, keys: LicenseKeys, message: MessageRow): Promise<OwedMail | Unsendable> {
  if (!message.recipient.includes('@')) return { gone: 'There is no address to send it to.' };
  const found = await findContent(tx, keys, message);
  if ('gone' in found) return found;
  const { content, customer } = found;
  if (isReminder(message.kind) && customer?.unsubscribedAt) return { unwanted: 'Not sent: its reader has unsubscribed from reminders.' };
  const { mode, accountId } = await tx.findOneOrFail(ScopeRow, { id: message.scopeId });
  // A mail of long ago may be sent again to an address that is no longer theirs: it opens nothing there.
  const holder = customer !== null && isAddressOf(customer, message) ? { scopeId: message.scopeId, customerId: customer.id } : null;
  if (content.kind === 'portal_link' && holder === null) return { gone: 'The customer has another address by now.' };
  return { content, vendor: vendorOf(await tx.findOneOrFail(Account, { id: accountId })), mode, holder };
}

async function findContent(tx: Transaction, keys: LicenseKeys, message: MessageRow): Promise<Found | { gone: string }> {
  const content = readContent(message);
  const { scopeId } = message;
  if (content.kind === 'portal_link') {
    const customer = await customerOf(tx, scopeId, content.data.customerId);
    return customer ? { content, customer } : { gone: 'The customer was deleted.' };
  }
  if (content.kind === 'endpoint_disabled') {
    const endpoint = await tx.findOne(WebhookEndpoint, { id: content.data.endpointId, scopeId, deletedAt: null });
    return endpoint ? { content: { ...content, url: endpoint.url }, customer: null } : { gone: 'The webhook endpoint was deleted.' };
  }
  const found = await licensesWithProducts(tx, { scopeId, licenseIds: content.data.licenseIds });
  if (found.length === 0) return { gone: 'The licenses it is about were deleted.' };
  const shown = content.kind === 'key_delivery' ? (key: string) => key : hintOf;
  const licenses = found.map(({ productName, keyEncrypted }) => ({ productName, key: shown(keys.decrypt(keyEncrypted)) }));
  const owner = found.find(({ customerId }) => customerId !== null)?.customerId ?? null;
  return { content: { ...content, licenses }, customer: owner === null ? null : await customerOf(tx, scopeId, owner) };
}

async function customerOf(tx: Transaction, scopeId: number, id: string): Promise<CustomerRow | null> {
  return tx.findOne(Customer, { id, scopeId, deletedAt: null });
}

function isAddressOf({ email }: Owner, { recipient }: MessageRow): boolean {
  return email.toLowerCase() === recipient.toLowerCase();
}
