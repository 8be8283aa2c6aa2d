import type { BillingReason } from './billing.ts';
import type { EventType } from './event.ts';
import type { ExpirationStrategy } from './policy.ts';
import { activeUntil, effectiveStatus, type Standing, type Status } from './status.ts';

/**
 * What becomes of a license by itself, as time passes or billing changes it: what is to be told of it, what is then stored for good, and when
 * to look again. Nothing here decides whether a license is valid: `status.ts` does, at the moment of asking.
 */

/** What was told last, so that each thing is told once. Reminders are counted against the end they were about. */
type Told = { toldStatus: Status; toldGrace: boolean; remindedEnd: Date | null; remindedDays: number | null };

export type Lived = Standing & Told & {
  billingReason: BillingReason | null;
  /** Set for what a subscription pays for. */
  paidThrough: Date | null;
  cancelsAt: Date | null;
  policy: { expirationStrategy: ExpirationStrategy };
  /** Stripe says that the trial is about to end. */
  trialEnding?: boolean;
};

/** `expiringSoonDays`: how many days before its end a license that does not renew is spoken of. */
export type LifeRules = { slackHours: number; expiringSoonDays: readonly number[]; trialEndingDays: number };

/** Something that is now so, since `at`. `days`: so many days before the end. The license was `status` then. */
export type Happening =
  | { type: LifeEvent; at: Date; status: Status }
  | { type: 'license.expiring_soon' | 'trial_ending'; at: Date; status: Status; days: number; end: Date };

type LifeEvent = Extract<
  EventType,
  'license.grace_started' | 'license.grace_ended' | 'license.suspended' | 'license.reinstated' | 'license.expired' | 'license.revoked' | 'license.banned'
>;

/** What happened, in order; what is told with it; and what is stored: a consequence is there for good. */
export type Lapse = {
  happened: Happening[];
  told: Told;
  consequence: { vendorStatus?: 'revoked'; billingState?: 'SUSPENDED' | 'REVOKED'; billingRenews?: false };
  dueAt: Date | null;
};

/** A customer's ban is the customer's: it is told there, and lifting it finds the license as it is. */
export function lapse(license: Lived, rules: LifeRules, now: Date): Lapse {
  const own = { ...license, customerBanned: false };
  const status = effectiveStatus(own, rules.slackHours, now);
  const end = activeUntil(own, rules.slackHours);
  const grace = isInGrace(license, status, now);
  const revokes = status === 'expired' && license.policy.expirationStrategy === 'REVOKE' && isOverForGood(license, now);
  const reminder = status === 'active' ? remind(reminderOf(license, rules), license, now) : { tells: null, end: license.remindedEnd, days: license.remindedDays, nextAt: null };
  return {
    happened: [
      ...graceHappenings(license, { status, grace }, now),
      ...statusHappenings(license, { status, end, revokes }, now),
      ...(reminder.tells ? [{ ...reminder.tells, at: now, status }] : []),
    ],
    told: { toldStatus: revokes ? 'revoked' : status, toldGrace: grace, remindedEnd: reminder.end, remindedDays: reminder.days },
    consequence: consequenceOf(license, { status, grace, revokes }),
    dueAt: status === 'active' ? earliest([end, reminder.nextAt]) : grace ? license.graceEndsAt : null,
  };
}

/** Grace runs on while the vendor suspends: it is billing's, and so is its end. */
function isInGrace({ billingState, graceEndsAt }: Lived, status: Status, now: Date): boolean {
  return billingState === 'GRACE' && graceEndsAt !== null && now < graceEndsAt && (status === 'active' || status === 'suspended');
}

function graceHappenings(license: Lived, { status, grace }: { status: Status; grace: boolean }, now: Date): Happening[] {
  if (grace === license.toldGrace) return [];
  return [grace ? { type: 'license.grace_started', at: now, status } : { type: 'license.grace_ended', at: ranOutAt(license, now) ?? now, status }];
}

function statusHappenings(license: Lived, { status, end, revokes }: { status: Status; end: Date | null; revokes: boolean }, now: Date): Happening[] {
  const at = (status === 'expired' ? end : status === 'suspended' ? ranOutAt(license, now) : null) ?? now;
  return [
    ...(status === 'revoked' && license.toldStatus === 'active' && wasRevokedAtEnd(license) ? [{ type: 'license.expired', at: license.expiresAt ?? now, status: 'expired' } as const] : []),
    ...(status === license.toldStatus ? [] : [{ type: eventOf(status), at, status }]),
    ...(revokes ? [{ type: 'license.revoked', at, status: 'revoked' } as const] : []),
  ];
}

/** Whether billing revoked it for having ended, and not because the money came back. */
function wasRevokedAtEnd({ vendorStatus, billingState, billingReason }: Lived): boolean {
  return vendorStatus === 'active' && billingState === 'REVOKED' && billingReason !== 'REFUNDED' && billingReason !== 'DISPUTED';
}

/** When grace ran out, where nothing but time has said so yet. */
function ranOutAt({ billingState, graceEndsAt }: Lived, now: Date): Date | null {
  return billingState === 'GRACE' && graceEndsAt !== null && graceEndsAt <= now ? graceEndsAt : null;
}

function eventOf(status: Status): LifeEvent {
  switch (status) {
    case 'active':
      return 'license.reinstated';
    case 'suspended':
      return 'license.suspended';
    case 'expired':
      return 'license.expired';
    case 'revoked':
      return 'license.revoked';
    case 'banned':
      return 'license.banned';
  }
}

/** Whether the end is final: a subscription that goes on may have been paid, and we have not heard of it yet. */
function isOverForGood({ billingState, paidThrough, cancelsAt }: Lived, now: Date): boolean {
  return paidThrough === null || billingState === 'ENDED' || (cancelsAt !== null && cancelsAt <= now);
}

/** What a subscription's license comes to is billing's doing; else it is the policy's, which is the vendor's. */
function consequenceOf({ billingState, paidThrough }: Lived, { status, grace, revokes }: { status: Status; grace: boolean; revokes: boolean }): Lapse['consequence'] {
  if (revokes) return paidThrough === null ? { vendorStatus: 'revoked' } : { billingState: 'REVOKED', billingRenews: false };
  return status === 'suspended' && billingState === 'GRACE' && !grace ? { billingState: 'SUSPENDED' } : {};
}

type Reminder = { type: 'license.expiring_soon' | 'trial_ending'; end: Date; days: readonly number[]; dueNow: boolean };

/** What a customer is reminded of: that a trial will be charged for, or that a license which does not renew will end. */
function reminderOf({ billingState, billingReason, billingRenews, expiresAt, paidThrough, trialEnding }: Lived, rules: LifeRules): Reminder | null {
  if (billingReason === 'TRIAL' && billingRenews && paidThrough !== null) return { type: 'trial_ending', end: paidThrough, days: [rules.trialEndingDays], dueNow: trialEnding === true };
  if (billingRenews || billingState === 'GRACE' || expiresAt === null) return null;
  return { type: 'license.expiring_soon', end: expiresAt, days: rules.expiringSoonDays, dueNow: false };
}

const DAY_MS = 86_400_000;

/** After a standstill only the nearest reminder is told. Those of an end whose time had passed when it was set are not; a short trial's is. */
function remind(reminder: Reminder | null, told: Told, now: Date): { tells: { type: Reminder['type']; days: number; end: Date } | null; end: Date | null; days: number | null; nextAt: Date | null } {
  if (reminder === null) return { tells: null, end: null, days: null, nextAt: null };
  const { type, end, days, dueNow } = reminder;
  const momentOf = (day: number) => new Date(end.getTime() - day * DAY_MS);
  const nearest = Math.min(...days.filter((day) => dueNow || momentOf(day) <= now));
  const isNew = told.remindedEnd?.getTime() !== end.getTime();
  const before = isNew ? (type === 'trial_ending' ? Infinity : nearest) : (told.remindedDays ?? Infinity);
  const reached = Math.min(before, nearest);
  const next = Math.max(...days.filter((day) => day < reached));
  return {
    tells: reached < before && now < end ? { type, days: reached, end } : null,
    end,
    days: Number.isFinite(reached) ? reached : null,
    nextAt: Number.isFinite(next) ? momentOf(next) : null,
  };
}

function earliest(moments: (Date | null)[]): Date | null {
  return moments.reduce((first, moment) => (first === null || (moment !== null && moment < first) ? moment : first), null);
}
