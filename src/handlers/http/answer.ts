import { z } from 'zod';
import { AppError, type Result } from '../../errors.ts';
import type { Page } from '../../database/page.ts';
import { refusalError } from './problem.ts';
import type { Answer } from './route.ts';

/** Answers in the shapes of the contract: one resource, or a page of them. */

/** A result as `{data}`, or the refusal as an error. */
export function one<T>(result: Result<T>, view: (value: T) => object, status = 200): Answer {
  if (!result.ok) throw refusalError(result);
  return { status, body: { data: view(result.value) } };
}

/** A page as `{data, pagination}`; null is a cursor that is not of this list. */
export function many<Row>(page: Page<Row> | null, view: (row: Row) => object): Answer {
  if (page === null) {
    const issue = { path: ['cursor'], message: 'This cursor is not of this list.', code: 'invalid_cursor' };
    throw new AppError('VALIDATION_ERROR', 400, 'The request is not valid. cursor: This cursor is not of this list.', { details: { issues: [issue] } });
  }
  const { rows, nextCursor } = page;
  return { status: 200, body: { data: rows.map(view), pagination: { nextCursor, hasMore: nextCursor !== null } } };
}

/** The query of every list. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: z.uuid().optional(),
});

export const noInput = z.strictObject({});

/** A moment in a query. Neither PostgreSQL nor Stripe knows a year 0. */
export const moment = z.iso
  .datetime({ offset: true })
  .transform((iso) => new Date(iso))
  .refine((date) => date.getUTCFullYear() > 0, 'expected a moment in or after the year 1');
