import { DomainEvent, type DomainEventRow } from '../database/exchange-rows.ts';
import { type Database, reading } from '../database/orm.ts';
import { newestFirst, older, type Page, type PageRequest, readPage } from '../database/page.ts';
import { rowOf, type Scope } from '../database/scope.ts';
import { notFound, ok, type Result } from '../errors.ts';
import type { EventType } from './core/event.ts';

type EventFilter = { type?: EventType | undefined; licenseId?: string | undefined; createdAfter?: Date | undefined };

export async function readEvent(database: Database, scope: Scope, id: string): Promise<Result<DomainEventRow>> {
  const event = await reading(database).findOne(DomainEvent, rowOf(scope, id));
  return event ? ok(event) : notFound();
}

/** A page of what happened here; what happened to a license stays told when the license is deleted. Null: the cursor is of another list. */
export async function listEvents(database: Database, scope: Scope, { createdAfter, type, licenseId }: EventFilter, page: PageRequest): Promise<Page<DomainEventRow> | null> {
  const where = {
    scopeId: scope.id,
    ...(type !== undefined && { type }),
    ...(licenseId !== undefined && { licenseId }),
    ...(createdAfter && { createdAt: { $gt: createdAfter } }),
  };
  const tx = reading(database);
  const list = {
    at: (id: string) => tx.findOne(DomainEvent, rowOf(scope, id)),
    after: (last: DomainEventRow | null, limit: number) => tx.find(DomainEvent, { ...where, ...older(last) }, { orderBy: newestFirst, limit }),
  };
  return readPage<DomainEventRow>(list, page);
}
