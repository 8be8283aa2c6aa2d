import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { StripeFact } from '../billing/core/facts.ts';
import type { ReasonCode } from '../billing/core/outcome.ts';
import type { Marks } from '../billing/core/sighting.ts';
import type { EventType } from '../licensing/core/event.ts';
import type { MessageKind } from '../licensing/core/message.ts';

/** The inbox: what Stripe told us. `dueAt` is when the event is next tried, null once it is done. */
export const StripeEvent = defineEntity({
  name: 'StripeEvent',
  tableName: 'stripe_events',
  properties: {
    scopeId: p.integer().primary(),
    id: p.text().primary(),
    type: p.text(),
    livemode: p.boolean(),
    apiVersion: p.text().strictNullable(),
    objectId: p.text().strictNullable(),
    payload: p.text().lazy(),
    thin: p.boolean(),
    createdAt: p.datetime(3),
    receivedAt: p.datetime(3),
    processedAt: p.datetime(3).strictNullable(),
    attempts: p.integer(),
    dueAt: p.datetime(3).strictNullable(),
    purchaseId: p.text().strictNullable(),
    outcome: p.text().$type<'applied' | 'ignored' | 'needs_attention' | 'failed'>().strictNullable(),
    reasonCode: p.text().$type<ReasonCode>().strictNullable(),
    reason: p.text().strictNullable(),
    lastError: p.text().strictNullable(),
  },
});

/** The outbox: what we owe the world. `dueAt` is when the message is next tried, null once it is done. */
export const Message = defineEntity({
  name: 'Message',
  tableName: 'messages',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    kind: p.text().$type<MessageKind>(),
    recipient: p.text(),
    data: p.json<Record<string, unknown>>(),
    attempts: p.integer(),
    dueAt: p.datetime(3).strictNullable(),
    lastError: p.text().strictNullable(),
    createdAt: p.datetime(3),
    sentAt: p.datetime(3).strictNullable(),
    failedAt: p.datetime(3).strictNullable(),
  },
});

/** What happened here. Those of a license are numbered, so that a reader sees a gap. */
export const DomainEvent = defineEntity({
  name: 'DomainEvent',
  tableName: 'events',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    type: p.text().$type<EventType>(),
    licenseId: p.uuid().strictNullable(),
    sequence: p.integer().strictNullable(),
    data: p.json<Record<string, unknown>>(),
    createdAt: p.datetime(3),
  },
});

/** What Stripe says is so: one row an object, the last truth (`fact`, true `asOf`) and the earliest moments seen (`marks`). */
export const StripeFactRow = defineEntity({
  name: 'StripeFactRow',
  tableName: 'stripe_facts',
  properties: {
    scopeId: p.integer().primary(),
    id: p.text().primary(),
    kind: p.text().$type<StripeFact['kind']>(),
    purchaseId: p.text().strictNullable(),
    customerId: p.text().strictNullable(),
    paymentIds: p.array().columnType('text[]'),
    asOf: p.datetime(3),
    fetchedAt: p.datetime(3).strictNullable(),
    first: p.boolean(),
    fact: p.json<StripeFact>(),
    marks: p.json<Marks>(),
  },
});

/** When a kind of reconciliation of a scope last ran to its end, and until when one that is under way may take. */
export const StripeReconciliation = defineEntity({
  name: 'StripeReconciliation',
  tableName: 'stripe_reconciliations',
  properties: {
    scopeId: p.integer().primary(),
    kind: p.text().$type<'events' | 'subscriptions'>().primary(),
    begunAt: p.datetime(3),
    ranAt: p.datetime(3),
    claimedUntil: p.datetime(3).strictNullable(),
  },
});

/** The event up to which Stripe's list was gone through, for each set of types that is asked for in one call. */
export const StripeCursor = defineEntity({
  name: 'StripeCursor',
  tableName: 'stripe_cursors',
  properties: {
    scopeId: p.integer().primary(),
    types: p.text().primary(),
    eventId: p.text(),
  },
});

export type StripeEventRow = InferEntity<typeof StripeEvent>;
export type DomainEventRow = InferEntity<typeof DomainEvent>;
export type MessageRow = InferEntity<typeof Message>;
