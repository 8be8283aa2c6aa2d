/** What became of a Stripe event, as an operator reads it: an outcome, a code for programs and a sentence for people. */

export const outcomes = ['applied', 'ignored', 'needs_attention', 'failed'] as const;

export type Outcome = (typeof outcomes)[number];

type Reason = { outcome: Outcome; sentence: (subject: string) => string };

const secretsOf = (mode: string) => `STRIPE_${mode.toUpperCase()}_WEBHOOK_SECRETS`;

/** Every reason there is. A `needs_attention` sentence says what to do. */
const reasons = {
  licenses_current: { outcome: 'applied', sentence: () => 'The licenses of this purchase are up to date.' },
  noted: { outcome: 'applied', sentence: () => 'Noted; no license depends on it.' },
  nothing_due: { outcome: 'applied', sentence: () => 'Noted; no license is due yet.' },
  type_not_taken: { outcome: 'ignored', sentence: (type) => `Events of type ${type} do not concern licenses.` },
  thin_event: {
    outcome: 'needs_attention',
    sentence: () => 'A thin event names an object and tells nothing of it: set STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY and restart, or have Stripe send snapshot events. It is then taken up again by itself.',
  },
  object_gone: { outcome: 'ignored', sentence: () => 'The thin event names an object that Stripe no longer shows.' },
  test_clock: { outcome: 'applied', sentence: (time) => `A test clock of Stripe came to ${time}; the time of test data here went there too, where it was not there already.` },
  test_clock_refused: { outcome: 'needs_attention', sentence: (why) => `A test clock of Stripe came to its time, and the time of test data here did not follow. ${why}` },
  other_mode: {
    outcome: 'ignored',
    sentence: (mode) => `The event is from ${mode} mode, but the signing secret or API key it came with belongs to the other mode. If it should count, move its signing secret from ${secretsOf(mode === 'live' ? 'test' : 'live')} to ${secretsOf(mode)}, restart, and have Stripe send the event again.`,
  },
  other_account: { outcome: 'ignored', sentence: (account) => `The event belongs to the connected account ${account}, which is not served here.` },
  customer_deleted: { outcome: 'ignored', sentence: () => 'The customer was deleted in Stripe; the licenses stay as their subscriptions say.' },
  setup_session: { outcome: 'ignored', sentence: () => 'A checkout session in setup mode sells nothing.' },
  payment_unknown: { outcome: 'ignored', sentence: (payment) => `Nothing that is known here was bought with payment ${payment}.` },
  payment_unlinked: {
    outcome: 'needs_attention',
    sentence: (payment) => `Which purchase payment ${payment} was for takes a Stripe key to know: set STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY and restart, and the event is taken up again by itself; or suspend or revoke the license yourself.`,
  },
  price_unmapped: {
    outcome: 'ignored',
    sentence: (prices) => `No active mapping for ${prices}. Create one and replay this event to issue the license.`,
  },
  price_change_unmapped: {
    outcome: 'needs_attention',
    sentence: (prices) => `The subscription moved to ${prices}, which has no active mapping; the license was kept as it is. Create a mapping, then replay this event.`,
  },
  lines_missing: {
    outcome: 'needs_attention',
    sentence: (invoice) => `Invoice ${invoice} has more lines than its event shows; licenses were issued for those. The others need a Stripe key: set STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY and restart; the event is then taken up again by itself.`,
  },
  line_items_missing: {
    outcome: 'needs_attention',
    sentence: () => 'The line items need a Stripe key: set STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY and restart; the event is then taken up again by itself.',
  },
  email_missing: {
    outcome: 'needs_attention',
    sentence: () => 'The license was issued, but no email address is known to send the key to. Give the customer an email in Stripe, or hand over the key yourself.',
  },
  too_many_units: {
    outcome: 'needs_attention',
    sentence: (count) => `The purchase is for ${count} or more licenses, and more than that are not issued at once. If it is real, map the price with quantityMode SEATS, or issue them yourself; else cancel and refund it.`,
  },
  revoked_stays: {
    outcome: 'needs_attention',
    sentence: () => 'A license of this purchase was revoked when its time ended, under a REVOKE policy, and what is paid now does not revive it. Refund it, or issue another license.',
  },
  paid_after_end: {
    outcome: 'needs_attention',
    sentence: (invoice) => `Invoice ${invoice} was paid after the subscription had ended; that revives nothing. Refund it, or extend the license yourself.`,
  },
  value_unknown: {
    outcome: 'needs_attention',
    sentence: (what) => `Stripe sent a value Tillkey does not know (${what}); nothing was changed. Check the license, update Tillkey, then replay the event.`,
  },
  shape_unknown: {
    outcome: 'needs_attention',
    sentence: (what) => `The event has a shape Tillkey does not know (${what}); nothing was changed. Check the license, update Tillkey, then replay the event.`,
  },
  attempts_exhausted: {
    outcome: 'failed',
    sentence: (error) => `Every attempt to apply the event failed: ${error}. Mend the cause, then replay it.`,
  },
} satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof reasons;

/** A reason and what it speaks of: a type, a price, an invoice. */
export type Finding = { code: ReasonCode; subject: string };

export function finding(code: ReasonCode, subject = ''): Finding {
  return { code, subject };
}

/** A finding as the columns of an event. */
export function describeFinding({ code, subject }: Finding): { outcome: Outcome; reasonCode: ReasonCode; reason: string } {
  return { outcome: reasons[code].outcome, reasonCode: code, reason: reasons[code].sentence(subject) };
}

/** What a purchase came to, said on an event that is not what the finding is about: an unmapped price is said on the events that show it. */
export function inGeneral(found: Finding): Finding {
  return found.code === 'price_change_unmapped' ? finding('licenses_current') : found;
}

/**
 * Findings that later facts of the same purchase may settle. Events that ended on one are stamped anew with what the
 * purchase has come to, so that the outcomes, too, do not depend on the order of events.
 */
export const provisionalCodes: ReasonCode[] = [
  'nothing_due', 'price_unmapped', 'revoked_stays', 'price_change_unmapped', 'too_many_units', 'line_items_missing', 'lines_missing', 'email_missing', 'payment_unknown', 'payment_unlinked',
];

/** Findings of thin events that told nothing: their classic events, should they come, still do. */
export const untoldCodes: ReasonCode[] = ['thin_event', 'object_gone'];

/** Findings that wait for a Stripe key: their events are taken up again once there is one. */
export const keylessCodes: ReasonCode[] = ['line_items_missing', 'lines_missing', 'thin_event', 'payment_unlinked'];
