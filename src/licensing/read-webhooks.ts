import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { liveIn, liveRow, rowOf, type Scope } from '../database/scope.ts';
import { WebhookEndpoint, type WebhookEndpointRow } from '../database/webhook-rows.ts';
import { notFound, ok, type Result } from '../errors.ts';

export async function readWebhook(database: Database, scope: Scope, id: string): Promise<Result<WebhookEndpointRow>> {
  const endpoint = await reading(database).findOne(WebhookEndpoint, liveRow(scope, id));
  return endpoint ? ok(endpoint) : notFound();
}

/** A page of endpoints. Null: the cursor is of another list. */
export async function listWebhooks(database: Database, scope: Scope, page: PageRequest): Promise<Page<WebhookEndpointRow> | null> {
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(WebhookEndpoint, rowOf(scope, id)),
    after: (last: WebhookEndpointRow | null, limit: number) => tx.find(WebhookEndpoint, { ...liveIn(scope), ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<WebhookEndpointRow>(list, page);
}
