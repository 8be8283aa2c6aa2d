import { z } from 'zod';
import { broughtKey } from './license-key-text.ts';
import { fingerprint, machineFields } from './machine.ts';
import { metadata } from './metadata.ts';
import type { VendorStatus } from './status.ts';

/** What is asked of a license that another system made, whichever that was. */

const MOST = 2_147_483_647;
/** The zone also as databases write it: +00, or a word. */
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:Z|UTC|GMT|([+-]\d\d):?(\d\d)?)?)?$/i;

/** A moment as exports write it: a date (its first moment), a date and time (in UTC where no zone is named), or Unix seconds, in thousandths where they are so many. */
const exportedMoment = z.union([z.string(), z.number()]).transform((given, context) => {
  const moment = momentOf(String(given).trim());
  if (moment !== null) return moment;
  context.addIssue({ code: 'custom', message: 'expected a date such as 2026-01-31, a moment such as 2026-01-31T12:00:00Z, or Unix seconds' });
  return z.NEVER;
});

function momentOf(text: string): Date | null {
  if (/^\d{9,11}$/.test(text)) return new Date(Number(text) * 1000);
  if (/^\d{12,13}$/.test(text)) return new Date(Number(text));
  const [, day = '', time = '00:00', hours = '+00', minutes = '00'] = DATE.exec(text) ?? [];
  const moment = new Date(`${day}T${time}${hours}:${minutes}`);
  // A day that a month does not have would become one of the next; a zone may carry the last year that there is over its end.
  const isDay = !Number.isNaN(moment.getTime()) && new Date(`${day}T00:00Z`).toISOString().slice(0, 10) === day;
  return isDay && moment.getUTCFullYear() >= 1 && moment.getUTCFullYear() <= 9_999 ? moment : null;
}

/** A whole number, which some write as text. */
const whole = (said: string) => z.preprocess((given) => (typeof given === 'string' && /^-?\d+$/.test(given) ? Number(given) : given), z.number(said).int('expected a whole number').max(MOST, `expected at most ${MOST}`));

const count = whole('expected a whole number, or nothing').refine((given) => given >= 1, 'expected at least 1; unlimited is said by leaving it empty');

/** What a status of another system means here. `expired` is what the end says. */
const importedStatuses = ['active', 'suspended', 'revoked', 'banned', 'expired'] as const;

const text = z.string().min(1).max(255);

/** One product or policy. `named`: the export names it, and does not merely number it, so that what is named at the call gives way. */
const place = z.object({ code: z.string().nullable(), name: text, named: z.boolean() }).nullable();

export type Place = z.output<typeof place>;

/** Limits: null is none, undefined is the policy's. */
export const importedLicense = z.object({
  key: broughtKey,
  name: text.nullable(),
  email: z.email('expected an email address').max(320).nullable(),
  customer: text.nullable(),
  product: place,
  policy: place,
  status: z.enum(importedStatuses, { error: ({ input }) => `unknown status ${JSON.stringify(input)}, expected one of ${importedStatuses.join(', ')}` }),
  limit: count.nullable().optional(),
  max_uses: count.nullable().optional(),
  uses: whole('expected a whole number').refine((given) => given >= 0, 'expected at least 0'),
  expires_at: exportedMoment.nullable().optional(),
  metadata: z.record(z.string(), z.unknown(), 'expected a JSON object, such as {"seat": 5}').pipe(metadata),
});

export type ImportedLicense = z.output<typeof importedLicense>;

/** An activation. One that brings a UUID of its own keeps it: apps have it stored. */
export const importedActivation = z.object({
  id: z.guid().transform((id) => id.toLowerCase()).nullable().catch(null),
  fingerprint,
  name: machineFields.shape.name,
  platform: machineFields.shape.platform,
  hostname: machineFields.shape.hostname,
  cores: machineFields.shape.cores,
  created_at: exportedMoment.nullable(),
  metadata: machineFields.shape.metadata,
});

export type ImportedActivation = z.output<typeof importedActivation>;

/** What comes of reading something that an export says: it, or what is wrong with it in words. */
export type Read<T> = { ok: true; value: T } | { ok: false; reason: string };

export function readAs<Schema extends z.ZodType>(schema: Schema, given: unknown): Read<z.output<Schema>> {
  const read = schema.safeParse(given);
  if (read.success) return { ok: true, value: read.data };
  return { ok: false, reason: read.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ') };
}

/** The vendor's part of a status, and the end it comes to. What has expired without a date in the past ends now. */
export function standingOf({ status, expires_at: expiresAt }: Pick<ImportedLicense, 'status' | 'expires_at'>, now: Date): { vendorStatus: VendorStatus; expiresAt: Date | null | undefined } {
  if (status !== 'expired') return { vendorStatus: status, expiresAt };
  return { vendorStatus: 'active', expiresAt: expiresAt != null && expiresAt <= now ? expiresAt : now };
}
