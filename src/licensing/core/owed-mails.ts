import type { BillingReason } from './billing.ts';
import type { Happening } from './lifecycle.ts';
import type { MessageContent } from './message.ts';

/** Which mails customers are owed for what became of their licenses (section 6 of the Stripe contract). */

/** A mail about licenses. */
export type LicenseMail = Extract<MessageContent, { data: { licenseIds: string[] } }>;

/** `invoiceUrl`: Stripe's page where what is owed can be paid. */
export type Mailed = { id: string; graceEndsAt: Date | null; cancelsAt: Date | null; vendorExpiresAt: Date | null; billingReason: BillingReason | null; invoiceUrl: string | null };

/** What is older than this is told to nobody any more: a backfill or a standstill must not surprise customers. Keys are always mailed. */
const STALE_MS = 48 * 3_600_000;

/** What happened and is owed a mail, unless it is old. */
export function mailFor(license: Mailed, happening: Happening, now: Date): LicenseMail | null {
  if (now.getTime() - happening.at.getTime() > STALE_MS) return null;
  const licenseIds = [license.id];
  const { invoiceUrl } = license;
  switch (happening.type) {
    case 'license.grace_started':
      return license.graceEndsAt && { kind: 'payment_failed', data: { licenseIds, accessEndsAt: license.graceEndsAt.toISOString(), invoiceUrl } };
    case 'license.suspended':
      return isSuspending(license.billingReason) ? { kind: 'access_suspended', data: { licenseIds, reason: license.billingReason, invoiceUrl } } : null;
    case 'license.reinstated':
      return { kind: 'access_reinstated', data: { licenseIds } };
    case 'license.expired':
      return { kind: 'expired', data: { licenseIds, endedAt: happening.at.toISOString() } };
    case 'license.revoked':
      return isReversal(license.billingReason) ? { kind: 'access_revoked', data: { licenseIds, reason: license.billingReason } } : null;
    case 'license.expiring_soon':
      return { kind: 'expiring_soon', data: { licenseIds, endsAt: happening.end.toISOString() } };
    case 'trial_ending':
      return { kind: 'trial_ending', data: { licenseIds, endsAt: happening.end.toISOString() } };
    case 'license.grace_ended':
    case 'license.banned':
      return null;
  }
}

/** A cancellation that was scheduled, or moved to another day. Access ends then, or when the vendor said, if that is later. */
export function mailForCancellation({ id, cancelsAt, vendorExpiresAt }: Mailed, before: Pick<Mailed, 'cancelsAt'> | undefined, now: Date): LicenseMail | null {
  if (cancelsAt === null || cancelsAt <= now || before?.cancelsAt?.getTime() === cancelsAt.getTime()) return null;
  const endsAt = vendorExpiresAt !== null && vendorExpiresAt > cancelsAt ? vendorExpiresAt : cancelsAt;
  return { kind: 'cancellation_scheduled', data: { licenseIds: [id], endsAt: endsAt.toISOString() } };
}

function isSuspending(reason: BillingReason | null): reason is 'PAYMENT_FAILED' | 'PAUSED' | 'REFUNDED' | 'DISPUTED' {
  return reason === 'PAYMENT_FAILED' || reason === 'PAUSED' || isReversal(reason);
}

function isReversal(reason: BillingReason | null): reason is 'REFUNDED' | 'DISPUTED' {
  return reason === 'REFUNDED' || reason === 'DISPUTED';
}

/** One mail for all licenses it would say the same of: `group` tells whose they are and which purchase they belong to. */
export function gatherMails<Mail extends { group: string; mail: LicenseMail }>(owed: Mail[]): Mail[] {
  const gathered = new Map<string, Mail>();
  for (const one of owed) {
    const { licenseIds, ...said } = one.mail.data;
    const key = JSON.stringify([one.group, one.mail.kind, said]);
    const before = gathered.get(key);
    if (before) before.mail.data.licenseIds.push(...licenseIds);
    else gathered.set(key, one);
  }
  return [...gathered.values()];
}
