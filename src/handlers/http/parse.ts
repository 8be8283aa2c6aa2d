import type { z } from 'zod';
import { AppError, type Issue } from '../../errors.ts';

/** Reads a part of a request by its schema, or fails with 400 and every fault in it. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.slice(0, MOST_ISSUES).flatMap(issuesOf));
}

/** A fault as the answer shows it: an unknown field by its name, a missing one as missing. */
function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const [path, { code }] = [issue.path.map(String), issue];
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, MOST_ISSUES).map((key) => ({ path: [...path, key], message: 'Unknown field.', code }));
  return [{ path, message: issue.message.replace(/^Invalid input: expected (.*), received undefined$/, 'Required: expected $1.'), code }];
}

/** Faults shown of one request: who sends thousands learns enough from the first. */
const MOST_ISSUES = 50;

function invalid(issues: Issue[]): AppError {
  const [first] = issues;
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : '';
  return new AppError('VALIDATION_ERROR', 400, `The request is not valid. ${where}${first?.message ?? ''}`.trim(), { details: { issues } });
}

const MOST_LEVELS = 32;

/** Refuses text that the database cannot hold (NUL, broken Unicode) and nesting that only an attack has. */
export function refuseUnstorable(value: unknown, path: string[] = []): void {
  if (path.length > MOST_LEVELS) throw invalid([{ path: path.slice(0, 3), message: `Nested deeper than ${MOST_LEVELS} levels.`, code: 'too_deep' }]);
  if (typeof value === 'string' && !isStorable(value)) throw invalid([{ path, message: 'Contains a NUL or broken Unicode.', code: 'invalid_text' }]);
  if (typeof value === 'number' && !Number.isFinite(value)) throw invalid([{ path, message: 'Larger than a number can be.', code: 'invalid_number' }]);
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) {
    refuseUnstorable(name, path);
    refuseUnstorable(inner, [...path, name]);
  }
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}
