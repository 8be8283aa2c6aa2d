import { z } from 'zod';
import { id, moment, storable, text } from './stripe-shapes.ts';

/** The outside of a Stripe event, classic or thin: what it is about, before anybody reads what it says. */

const eventShape = z.looseObject({
  id: z.string().min(1).max(255),
  object: z.string(),
  type: z.string().max(255).transform(classicType),
  livemode: z.boolean(),
  created: z.union([moment, z.iso.datetime({ offset: true }).transform((iso) => new Date(iso).toISOString())]),
  api_version: text,
  account: text,
  data: z.looseObject({ object: z.looseObject({ id }), previous_attributes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  snapshot_event: z.string().min(1).max(255).nullish(),
  related_object: z.looseObject({ id, url: text }).nullish(),
});

export type StripeEvent = z.output<typeof eventShape>;

/** What is kept of an event besides its bytes. `thin`: it names an object and carries nothing of it. */
export type Envelope = {
  id: string;
  type: string;
  livemode: boolean;
  apiVersion: string | null;
  objectId: string | null;
  createdAt: Date;
  thin: boolean;
};

/** Null when the text is not a Stripe event at all. A thin event goes by the id of its classic one, being the same fact. */
export function readEnvelope(payload: string): Envelope | null {
  const event = parseEvent(payload);
  if (event === null) return null;
  return {
    id: event.snapshot_event ?? event.id,
    type: event.type,
    livemode: event.livemode,
    apiVersion: event.api_version,
    objectId: event.data?.object.id ?? event.related_object?.id ?? null,
    createdAt: new Date(event.created),
    thin: isThin(event),
  };
}

export function isThin({ object }: StripeEvent): boolean {
  return object === 'v2.core.event';
}

/** Where Stripe's API shows what a thin event is about: its classic event, if it has one, and the object. Null: the event is not thin. */
export function placesOf(payload: string): { snapshotId: string | null; objectPath: string | null } | null {
  const event = parseEvent(payload);
  if (event === null || !isThin(event)) return null;
  const url = event.related_object?.url ?? null;
  return { snapshotId: event.snapshot_event ?? null, objectPath: url !== null && /^\/v1\/[\w/]+$/.test(url) ? url : null };
}

/** A thin event as the classic one that it stands for, around the object as it was fetched. */
export function thickened(payload: string, object: unknown): string {
  const event = parseEvent(payload);
  return JSON.stringify({ ...event, id: event?.snapshot_event ?? event?.id, object: 'event', data: { object } });
}

export function parseEvent(payload: string): StripeEvent | null {
  try {
    const parsed: unknown = JSON.parse(payload, (_name, value: unknown) => (typeof value === 'string' ? storable(value) : value));
    const event = eventShape.safeParse(parsed);
    return event.success ? event.data : null;
  } catch {
    return null;
  }
}

/** Thin events of the first API name their version: `v1.invoice.paid`. */
function classicType(type: string): string {
  return type.replace(/^v1\./, '');
}
