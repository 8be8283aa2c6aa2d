import { sql } from 'kysely';
import { type Database, query, reading } from './database/orm.ts';
import { dateOrNull } from './database/prepared.ts';

/** How deliveries of webhooks stand, for who watches over them. */

/** Deliveries that wait, were made and were given up: of those that are kept. */
export async function countDeliveries(database: Database): Promise<{ pending: number; succeeded: number; failed: number }> {
  const [row] = await query(reading(database), sql<{ pending: number; failed: number; all: number }>`
    select (select count(*)::float8 from webhook_deliveries where due_at is not null) as pending,
      (select count(*)::float8 from webhook_deliveries where failed_at is not null and due_at is null) as failed,
      (select count(*)::float8 from webhook_deliveries) as all`);
  const { pending, failed, all } = row ?? { pending: 0, failed: 0, all: 0 };
  return { pending, failed, succeeded: all - pending - failed };
}

/** When the oldest delivery that is neither made nor given up was written; null when there is none. */
export async function oldestPendingDelivery(database: Database): Promise<Date | null> {
  const [oldest] = await query(reading(database), sql<{ created_at: string }>`
    select created_at from webhook_deliveries where due_at is not null order by created_at limit 1`);
  return dateOrNull(oldest?.created_at ?? null);
}

/**
 * Whether deliveries have waited since `since` and nobody has tried any: not one that waits behind others to a slow endpoint, nor one to an
 * endpoint that fails.
 */
export async function areDeliveriesStuck(database: Database, since: Date): Promise<boolean> {
  const [row] = await query(reading(database), sql<{ stuck: boolean }>`
    select exists (
      select 1 from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
      where d.due_at is not null and d.created_at < ${since} and d.last_attempt_at is null and e.failing_since is null and e.disabled_at is null and e.deleted_at is null
    ) and not exists (select 1 from webhook_deliveries where last_attempt_at >= ${since}) as stuck`);
  return row?.stuck ?? false;
}
