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
  payment_failed: z.object({ ...licenses, accessEndsAt: time, invoiceUrl: z.url().nullable() }),
  access_suspended: z.object({ ...licenses, reason: z.enum(['PAYMENT_FAILED', 'PAUSED', 'REFUNDED', 'DISPUTED']) }),
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
