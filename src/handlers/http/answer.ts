import { z } from 'zod';
import { AppError, type Result } from '../../errors.ts';
import type { Page } from '../../database/page.ts';
import { refusalError } from './problem.ts';
import type { Answer, Answers } from './route.ts';

/** Answers in the shapes of the contract: one resource, or a page of them. */

/** A result as `{data}`, or the refusal as an error. */
export function one<T>(result: Result<T>, view: (value: T) => object): Answer {
  return { body: { data: view(granted(result)) } };
}

/** What a use case granted; a refusal is thrown as the error that answers it. */
export function granted<T>(result: Result<T>): T {
  if (!result.ok) throw refusalError(result);
  return result.value;
}

/** Nothing to show: it was done, or the refusal is thrown. */
export function done(result: Result<unknown>): Answer {
  granted(result);
  return {};
}

/** A page of a list; null is a cursor that is not of this list. */
export function knownPage<Row>(page: Page<Row> | null): Page<Row> {
  if (page !== null) return page;
  const issue = { path: ['cursor'], message: 'This cursor is not of this list.', code: 'invalid_cursor' };
  throw new AppError('VALIDATION_ERROR', 400, 'The request is not valid. cursor: This cursor is not of this list.', { details: { issues: [issue] } });
}

/** A page as `{data, pagination}`. */
export function many<Row>(page: Page<Row> | null, view: (row: Row) => object): Answer {
  const { rows, nextCursor } = knownPage(page);
  return { body: { data: rows.map(view), pagination: { nextCursor, hasMore: nextCursor !== null } } };
}

/** The query of every list. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: z.uuid().optional(),
});

export const noInput = z.strictObject({});

/** What routes answer, for the OpenAPI document: one resource, a page of them, or nothing. */
export const answersOne = (resource: z.ZodType, status = 200): Answers => ({ status, body: z.object({ data: resource }) });
export const answersMany = (resource: z.ZodType): Answers => ({
  status: 200,
  body: z.object({ data: z.array(resource), pagination: z.object({ nextCursor: z.string().nullable(), hasMore: z.boolean() }) }),
});
export const answersNothing: Answers = { status: 204, body: null };
