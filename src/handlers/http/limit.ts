import type { RequestHandler, Response } from 'express';
import { AppError } from '../../errors.ts';

/** Who is limited together: what a route does decides, and each has a setting of its own. */
export type LimitName = 'validate' | 'activate' | 'management' | 'other';

/** What is left of a limit after one more request. */
export type Allowance = { allowed: boolean; limit: number; remaining: number; resetInMs: number };

export type Limits = {
  /** Counts one request. Null: this limit is off. */
  consume(name: LimitName, who: string): Promise<Allowance | null>;
};

/** Counts a request and says what is left in its headers; one too many fails with 429. */
export async function limit(limits: Limits, { name, who }: { name: LimitName; who: string }, response: Response): Promise<void> {
  const allowance = await limits.consume(name, who);
  if (allowance === null) return;
  const resetInSeconds = Math.ceil(allowance.resetInMs / 1000);
  response.setHeader('X-RateLimit-Limit', allowance.limit);
  response.setHeader('X-RateLimit-Remaining', allowance.remaining);
  response.setHeader('X-RateLimit-Reset', Math.ceil((Date.now() + allowance.resetInMs) / 1000));
  if (allowance.allowed) return;
  response.setHeader('Retry-After', Math.max(1, resetInSeconds));
  throw new AppError('RATE_LIMITED', 429, `Too many requests. Try again in ${Math.max(1, resetInSeconds)} seconds.`);
}


/** For what is no route of the API: counted by address. */
export function limitOthers(limits: Limits): RequestHandler {
  return async (request, response, next) => {
    await limit(limits, { name: 'other', who: request.ip ?? 'unknown' }, response);
    next();
  };
}
