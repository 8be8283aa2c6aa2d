import { DomainEvent } from '../database/exchange-rows.ts';
import { type Database, reading, type Transaction } from '../database/orm.ts';
import { type Page, type PageRequest, readPage } from '../database/page.ts';
import { rowOf, type Scope } from '../database/scope.ts';
import { WebhookDelivery, type WebhookDeliveryRow } from '../database/webhook-rows.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { EventType } from './core/event.ts';
import { readWebhook } from './read-webhooks.ts';

/** A delivery as it is shown: with the type of its event. */
export type DeliveryDetails = WebhookDeliveryRow & { eventType: EventType };

export const deliveryStatuses = ['pending', 'succeeded', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export function statusOf({ deliveredAt, failedAt }: Pick<WebhookDeliveryRow, 'deliveredAt' | 'failedAt'>): DeliveryStatus {
  if (deliveredAt !== null) return 'succeeded';
  return failedAt === null ? 'pending' : 'failed';
}

const having = {
  pending: { dueAt: { $ne: null } },
  succeeded: { deliveredAt: { $ne: null } },
  failed: { failedAt: { $ne: null } },
} as const;

/** A delivery to an endpoint that is not deleted. */
export async function readDelivery(database: Database, scope: Scope, id: string): Promise<Result<DeliveryDetails>> {
  const tx = reading(database);
  const delivery = await tx.findOne(WebhookDelivery, rowOf(scope, id));
  if (delivery === null) return notFound();
  const endpoint = await readWebhook(database, scope, delivery.endpointId);
  return endpoint.ok ? ok(await detailsOf(tx, delivery)) : endpoint;
}

type DeliveryFilter = { endpointId: string; status?: DeliveryStatus | undefined };

/** A page of what an endpoint was owed, the newest event first. Null: the cursor is of another list. */
export async function listDeliveries(database: Database, scope: Scope, { endpointId, status }: DeliveryFilter, page: PageRequest): Promise<Result<Page<DeliveryDetails> | null>> {
  const endpoint = await readWebhook(database, scope, endpointId);
  if (!endpoint.ok) return endpoint;
  const tx = reading(database);
  const where = { scopeId: scope.id, endpointId: endpoint.value.id };
  const read = await readPage<WebhookDeliveryRow>({
    at: (id) => tx.findOne(WebhookDelivery, { ...where, ...rowOf(scope, id) }),
    after: (last, limit) => tx.find(WebhookDelivery, { ...where, ...(status && having[status]), ...(last && { eventId: { $lt: last.eventId } }) }, { orderBy: { eventId: 'desc' }, limit }),
  }, page);
  return ok(read && { ...read, rows: await Promise.all(read.rows.map((row) => detailsOf(tx, row))) });
}

async function detailsOf(tx: Transaction, delivery: WebhookDeliveryRow): Promise<DeliveryDetails> {
  const { type } = await tx.findOneOrFail(DomainEvent, { id: delivery.eventId, scopeId: delivery.scopeId });
  return { ...delivery, eventType: type };
}
