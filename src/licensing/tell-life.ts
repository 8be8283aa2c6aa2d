import type { LicenseRow } from '../database/license-rows.ts';
import type { Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { writeMessage } from '../outbox.ts';
import type { EventType } from './core/event.ts';
import { type Happening, type Lapse, lapse } from './core/lifecycle.ts';
import { gatherMails, type LicenseMail, mailFor, mailForCancellation } from './core/owed-mails.ts';
import { viewLicense } from './license-view.ts';
import type { Licensing } from './licensing.ts';
import { recordEvents } from './record-event.ts';
import { type LicenseDetails, withDetails } from './store.ts';

/**
 * What brought a change about. The vendor's verb has an event of its own and mails nobody. Billing knows the licenses as they were
 * `before`, where they were; `keysOnly`: the news is too old for any other mail.
 */
type Occasion =
  | { by: 'time' }
  | { by: 'vendor'; event: EventType; told?: object | undefined }
  | { by: 'billing'; before: Map<string, LicenseDetails>; keysOnly: boolean; invoiceUrl: string | null; trialEnding: boolean };

/** How licenses stand before billing changes them, by id. */
export async function standingsOf(tx: Transaction, licenses: LicenseRow[]): Promise<Map<string, LicenseDetails>> {
  return new Map((await withDetails(tx, licenses)).map((license) => [license.id, license]));
}

type Living = Pick<Licensing, 'slackHours' | 'reminders'>;

/** A license with what becomes of it: `after` is how it stands then. */
type Lived = { row: LicenseRow; after: LicenseDetails; lapsed: Lapse };

/**
 * Tells what became of licenses, in the transaction in which it did and whose caller holds their rows: stores the consequences, writes the
 * events, owes the mails, and says when to look again. Returns the ids of the messages.
 */
export async function tellLife(tx: Transaction, licensing: Living, { scope, licenses, occasion }: { scope: Scope; licenses: LicenseRow[]; occasion: Occasion }, now: Date): Promise<string[]> {
  await tx.flush();
  const rows = new Map(licenses.map((row) => [row.id, row]));
  const lived = (await withDetails(tx, licenses)).flatMap((details): Lived[] => {
    const row = rows.get(details.id);
    return row ? [live(licensing, { row, details, occasion }, now)] : [];
  });
  await tx.flush();
  await recordEvents(tx, lived.flatMap((one) => eventsOf(licensing, one, occasion, now)), now);
  return gatherMails(lived.flatMap((one) => mailsOf(one, occasion, now))).map(({ mail, recipient }) => writeMessage(tx, scope, { ...mail, recipient }, now));
}

function live({ slackHours, reminders }: Living, { row, details, occasion }: { row: LicenseRow; details: LicenseDetails; occasion: Occasion }, now: Date): Lived {
  const lapsed = lapse({ ...details, trialEnding: occasion.by === 'billing' && occasion.trialEnding }, { slackHours, ...reminders }, now);
  const { told, consequence, dueAt } = lapsed;
  const invoiceUrl = occasion.by === 'billing' ? occasion.invoiceUrl : row.invoiceUrl;
  Object.assign(row, told, { toldAt: now, dueAt, invoiceUrl });
  if (Object.keys(consequence).length > 0) Object.assign(row, consequence, { updatedAt: now });
  return { row, lapsed, after: { ...details, ...consequence, invoiceUrl, updatedAt: row.updatedAt } };
}

function eventsOf({ slackHours }: Living, one: Lived, occasion: Occasion, now: Date) {
  const view = viewLicense(one.after, slackHours, now);
  const event = (type: EventType, told: object = {}) => ({ scopeId: one.row.scopeId, licenseId: one.row.id, type, data: { ...view, ...told } });
  const happened = one.lapsed.happened.flatMap((happening) => (happening.type === 'trial_ending' ? [] : [event(happening.type, toldOf(happening))]));
  switch (occasion.by) {
    case 'time':
      return happened;
    case 'vendor':
      // What the vendor's own verb says already is not said twice.
      return [event(occasion.event, occasion.told), ...happened.filter(({ type }) => type !== occasion.event && isBroughtAbout(type))];
    case 'billing':
      return [...happened, ...billingEvents(occasion.before.get(one.row.id), one, happened.length > 0).map((type) => event(type))];
  }
}

function toldOf(happening: Happening): object {
  return { status: happening.status, ...('days' in happening && { days: happening.days }) };
}

function isBroughtAbout(type: EventType): boolean {
  return type === 'license.expired' || type === 'license.revoked' || type === 'license.expiring_soon' || type === 'license.grace_ended';
}

/** `renewed`: it runs longer than before. `updated`: something else of what is shown is another, and no event says so. */
function billingEvents(before: LicenseDetails | undefined, { after, lapsed }: Lived, told: boolean): EventType[] {
  if (before === undefined) return [];
  const longer = before.expiresAt !== null && after.expiresAt !== null && after.expiresAt > before.expiresAt;
  if (longer && lapsed.told.toldStatus === 'active') return ['license.renewed'];
  return !told && isShownOtherwise(before, after) ? ['license.updated'] : [];
}

function isShownOtherwise(before: LicenseDetails, after: LicenseDetails): boolean {
  const shown = ({ policyId, productId, customerId, expiresAt, maxMachines, maxUses, entitlements, billingState, billingReason, graceEndsAt, cancelsAt, paidThrough, stripePriceId, mappingId }: LicenseDetails) =>
    JSON.stringify([policyId, productId, customerId, expiresAt, maxMachines, maxUses, entitlements, billingState, billingReason, graceEndsAt, cancelsAt, paidThrough, stripePriceId, mappingId]);
  return shown(before) !== shown(after);
}

type OwedMail = { group: string; recipient: string; mail: LicenseMail };

/** Whom the vendor has shut out, and whoever has no address, hears nothing. */
function mailsOf({ row, after, lapsed }: Lived, occasion: Occasion, now: Date): OwedMail[] {
  const { userEmail: recipient, customerBanned } = after;
  const shutOut = customerBanned || ((row.vendorStatus !== 'active' || !row.enabled) && lapsed.consequence.vendorStatus === undefined);
  if (recipient === null || shutOut || occasion.by === 'vendor' || (occasion.by === 'billing' && occasion.keysOnly)) return [];
  const happened = lapsed.happened.map((happening) => mailFor(after, happening, now));
  const scheduled = occasion.by === 'billing' && lapsed.told.toldStatus === 'active' ? mailForCancellation(after, occasion.before.get(row.id), now) : null;
  const mails = [...happened, scheduled].filter((mail) => mail !== null);
  const group = `${row.customerId} ${row.stripePurchaseId ?? row.id}`;
  return mails.map((mail) => ({ group, recipient, mail }));
}
