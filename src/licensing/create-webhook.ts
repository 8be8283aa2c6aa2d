import { sql } from 'kysely';
import { z } from 'zod';
import { type Database, inTransaction, query } from '../database/orm.ts';
import { liveIn, type Scope } from '../database/scope.ts';
import type { Sealing } from '../database/sealing.ts';
import { newId } from '../database/uuid.ts';
import { WebhookEndpoint, type WebhookEndpointRow } from '../database/webhook-rows.ts';
import { ok, refuse, type Result } from '../errors.ts';
import { listenings, notListening } from './core/listening.ts';
import { mintWebhookSecret } from './webhook-secret.ts';

/** What a vendor may say of an endpoint, on create and later. Where its URL may lead is checked by the edge, which can look names up. */
export const webhookFields = z.strictObject({
  // Looked at as it was written: reading it as a URL would mend line breaks away.
  url: z.string().min(1).max(2048).regex(/^\S*$/, 'Expected no spaces and no line breaks.').meta({ examples: ['https://example.com/hooks/tillkey'] }),
  events: z.array(z.enum(listenings, { error: notListening })).min(1).max(listenings.length).transform((events) => [...new Set(events)]).meta({ description: 'Types of events, groups such as `license.*`, or `*` for all, which a new endpoint hears unless told otherwise.', examples: [['license.*', 'machine.dead']] }),
  description: z.string().max(1000).nullable(),
});

export const webhookRequest = webhookFields.extend({ events: webhookFields.shape.events.default(['*']), description: webhookFields.shape.description.default(null) });

/** Each event is a delivery to every one of them. */
const MOST_ENDPOINTS = 50;

/** A new endpoint, which hears of what happens from now on. This answer alone has its secret. */
export async function createWebhook(
  { database, webhookSecrets }: { database: Database; webhookSecrets: Sealing },
  scope: Scope,
  request: z.output<typeof webhookRequest>,
  now: Date,
): Promise<Result<WebhookEndpointRow & { secret: string }>> {
  return inTransaction(database, async (tx) => {
    // One at a time, so that two at once cannot both be the last. What refers to the scope does not wait for it.
    await query(tx, sql`select id from scopes where id = ${scope.id} for no key update`);
    if ((await tx.count(WebhookEndpoint, liveIn(scope))) >= MOST_ENDPOINTS) return refuse('CONFLICT', `There are ${MOST_ENDPOINTS} endpoints, which is the most. Delete one first.`);
    const secret = mintWebhookSecret();
    const none = { formerSecrets: [], failingSince: null, disabledAt: null, disabledReason: null, deletedAt: null };
    const endpoint = tx.create(WebhookEndpoint, { ...request, ...none, id: newId(), scopeId: scope.id, secretSealed: webhookSecrets.seal(secret), createdAt: now, updatedAt: now });
    await tx.persist(endpoint).flush();
    return ok({ ...endpoint, secret });
  });
}
