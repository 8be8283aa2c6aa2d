import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

/** A secret that was rotated out: sealed, in base64, and until when it signs (ISO 8601). */
export type FormerSecret = { sealed: string; until: string };

/**
 * Where a vendor wants to hear of events. `secretSealed` signs, and `formerSecrets` beside it. `failingSince`
 * is the first failure since the last success.
 */
export const WebhookEndpoint = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoints',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    url: p.text(),
    events: p.array<string>(),
    description: p.text().strictNullable(),
    secretSealed: p.blob(),
    formerSecrets: p.json<FormerSecret[]>(),
    failingSince: p.datetime(3).strictNullable(),
    disabledAt: p.datetime(3).strictNullable(),
    disabledReason: p.text().strictNullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
    deletedAt: p.datetime(3).strictNullable(),
  },
});

/** An event that is owed to an endpoint. `dueAt` is when it is next tried, null once it is delivered or given up. */
export const WebhookDelivery = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  properties: {
    id: p.uuid().primary(),
    scopeId: p.integer(),
    endpointId: p.uuid(),
    eventId: p.uuid(),
    attempts: p.integer(),
    dueAt: p.datetime(3).strictNullable(),
    createdAt: p.datetime(3),
    lastAttemptAt: p.datetime(3).strictNullable(),
    durationMs: p.integer().strictNullable(),
    responseStatus: p.integer().strictNullable(),
    responseExcerpt: p.text().strictNullable(),
    lastError: p.text().strictNullable(),
    deliveredAt: p.datetime(3).strictNullable(),
    failedAt: p.datetime(3).strictNullable(),
  },
});

export type WebhookEndpointRow = InferEntity<typeof WebhookEndpoint>;
export type WebhookDeliveryRow = InferEntity<typeof WebhookDelivery>;
