import { ApiError } from '../api-error.ts';

/** The first answer to each `Idempotency-Key`, which every later request with that key gets. */

export type Answer = { status: number; body: unknown };

export type FirstAnswers = Map<string, Answer & { request: string }>;

/** Answers a request, or says again what was answered to its key. */
export function answerOnce(answers: FirstAnswers, key: string | null, request: string, answer: () => Answer): Answer & { replayed: boolean } {
  const first = key === null ? undefined : answers.get(key);
  if (first && first.request !== request) throw keyReused();
  const given = first ?? answer();
  if (key !== null && !first) answers.set(key, { ...given, request });
  return { ...given, replayed: first !== undefined };
}

function keyReused(): ApiError {
  const message = 'Keys for idempotent requests can only be used with the same parameters they were first used with.';
  return new ApiError(400, { type: 'idempotency_error', message });
}
