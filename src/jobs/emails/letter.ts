import type { Vendor } from '../../licensing/read-account.ts';

/** What a mail says, without how it looks: `layout-html.ts` and `layout-text.ts` each show all of it. */
export type Letter = {
  subject: string;
  heading: string;
  blocks: Block[];
  /** The one thing to do. Null: to look at the licenses, where there is a link to them. */
  action: Action | null;
};

export type Block = { say: string } | { facts: [name: string, value: string][] } | { keys: { productName: string; keys: string[] }[] };

export type Action = { label: string; url: string };

/** What stands around what a mail says. `portal` is the customer's own link, `unsubscribeUrl` where reminders are stopped. */
export type Frame = { vendor: Vendor; testMode: boolean; portal: { url: string; expiresAt: Date } | null; unsubscribeUrl: string | null };

/** A mail without its envelope. */
export type Rendered = { subject: string; text: string; html: string };

const dayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });

/** March 4, 2027 */
export function day(at: Date | string): string {
  return dayFormat.format(new Date(at));
}

/** March 4, 2027, 09:30 UTC */
export function moment(at: Date | string): string {
  return `${day(at)}, ${new Date(at).toISOString().slice(11, 16)} UTC`;
}

/** What others named, in one line and without marks that turn the direction of writing: it can neither end a header nor look like a line of ours. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
}

/** Only what a browser opens as a page is ever linked. */
export function isWebPage(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}
