import { z } from 'zod';

/**
 * The mails we may owe, each with what it must know: ids, and what was so when it was owed. Keys, names and addresses are read when it is
 * sent, so that no key stands in the outbox. Times are ISO 8601.
 */

const licenses = { licenseIds: z.array(z.uuid()).min(1) };
const time = z.iso.datetime();

export const messageData = {
  key_delivery: z.object(licenses),
  /** `accessEndsAt`: when grace ends. `invoiceUrl`: Stripe's page to pay at, where Stripe told it. */
  payment_failed: z.object({ ...licenses, accessEndsAt: time, invoiceUrl: z.string().nullable() }),
  access_suspended: z.object({ ...licenses, invoiceUrl: z.string().nullable(), reason: z.enum(['PAYMENT_FAILED', 'PAUSED', 'REFUNDED', 'DISPUTED']) }),
  access_reinstated: z.object(licenses),
  trial_ending: z.object({ ...licenses, endsAt: time }),
  cancellation_scheduled: z.object({ ...licenses, endsAt: time }),
  expiring_soon: z.object({ ...licenses, endsAt: time }),
  expired: z.object({ ...licenses, endedAt: time }),
  access_revoked: z.object({ ...licenses, reason: z.enum(['REFUNDED', 'DISPUTED']) }),
  portal_link: z.object({ customerId: z.uuid() }),
  /** To the vendor: an endpoint of theirs takes no webhooks any more. */
  endpoint_disabled: z.object({ endpointId: z.uuid(), reason: z.string() }),
} as const;

export type MessageKind = keyof typeof messageData;

/** A mail of one kind with its data. */
export type MessageOf<Kind extends MessageKind> = { kind: Kind; data: z.output<(typeof messageData)[Kind]> };

export type MessageContent = { [Kind in MessageKind]: MessageOf<Kind> }[MessageKind];

/** What may be told of a message: it is still to be sent, was sent, was given up, or need not be sent any more. */
export const messageStates = ['pending', 'sent', 'failed', 'dropped'] as const;

export type MessageState = (typeof messageStates)[number];

/** Of the kinds, those that only remind: who wants none can do without them. */
const reminders = new Set<MessageKind>(['trial_ending', 'expiring_soon', 'expired']);

export function isReminder(kind: MessageKind): boolean {
  return reminders.has(kind);
}

const written = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('key_delivery'), data: messageData.key_delivery }),
  z.object({ kind: z.literal('payment_failed'), data: messageData.payment_failed }),
  z.object({ kind: z.literal('access_suspended'), data: messageData.access_suspended }),
  z.object({ kind: z.literal('access_reinstated'), data: messageData.access_reinstated }),
  z.object({ kind: z.literal('trial_ending'), data: messageData.trial_ending }),
  z.object({ kind: z.literal('cancellation_scheduled'), data: messageData.cancellation_scheduled }),
  z.object({ kind: z.literal('expiring_soon'), data: messageData.expiring_soon }),
  z.object({ kind: z.literal('expired'), data: messageData.expired }),
  z.object({ kind: z.literal('access_revoked'), data: messageData.access_revoked }),
  z.object({ kind: z.literal('portal_link'), data: messageData.portal_link }),
  z.object({ kind: z.literal('endpoint_disabled'), data: messageData.endpoint_disabled }),
]);

/** A message as the outbox keeps it, read. It throws at what was never written. */
export function readContent(message: { kind: MessageKind; data: unknown }): MessageContent {
  return written.parse({ kind: message.kind, data: message.data });
}
