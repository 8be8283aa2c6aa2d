import { NIL } from 'uuid';
import { isUuid } from './uuid.ts';

/** The account and mode a row belongs to. `id` stands in the `scope_id` column of every owned row. */
export type Scope = { id: number; accountId: string; mode: 'live' | 'test' };

/** The rows of a scope that are not deleted. */
export function liveIn(scope: Scope): { scopeId: number; deletedAt: null } {
  return { scopeId: scope.id, deletedAt: null };
}

/** A row of a scope, deleted or not: a page goes on after one that was deleted since. */
export function rowOf(scope: Pick<Scope, 'id'>, id: string): { id: string; scopeId: number } {
  return { id: isUuid(id) ? id : NIL, scopeId: scope.id };
}

/** One that is not deleted. A text that is no UUID names none: PostgreSQL would refuse to compare it. */
export function liveRow(scope: Pick<Scope, 'id'>, id: string): { id: string; scopeId: number; deletedAt: null } {
  return { ...rowOf(scope, id), deletedAt: null };
}
