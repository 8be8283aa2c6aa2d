import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';
import type { Answer } from './route.ts';

/** Where the first answer to each `Idempotency-Key` is kept. */
export type FirstAnswers = {
  /**
   * Runs `work` and keeps what it returns, in one transaction with all that it writes; or gives back what was kept for the
   * key before. Two at once run one after the other. Null: the key was used for another request.
   */
  once(asked: { scope: Scope; key: string; requestHash: Buffer }, work: () => Promise<string>): Promise<{ text: string; replayed: boolean } | null>;
  /** Deletes some of what is kept too long to be given back; false once there is none. */
  forgetOld(): Promise<boolean>;
};

const keyShape = /^[\x21-\x7e]{1,255}$/;

/** An answer as it is kept: what was answered, or what was refused. */
const keptShape = z.union([
  z.object({ answer: z.object({ status: z.number().optional(), body: z.unknown() }) }),
  z.object({ refusal: z.object({ code: z.string(), status: z.number(), message: z.string(), details: z.record(z.string(), z.unknown()).optional() }) }),
]);
type Kept = z.output<typeof keptShape>;

type Keyed = { scope: Scope; key: string; request: unknown };

/** Answers a request with an `Idempotency-Key`: the same key and request again get the first answer, and change nothing. */
export async function answerOnce(firstAnswers: FirstAnswers, { scope, key, request }: Keyed, answer: () => Promise<Answer>): Promise<Answer> {
  if (!keyShape.test(key)) throw new AppError('VALIDATION_ERROR', 400, 'Idempotency-Key: expected 1 to 255 visible ASCII characters.');
  const requestHash = createHash('sha256').update(JSON.stringify(request)).digest();
  const first = await firstAnswers.once({ scope, key, requestHash }, async () => JSON.stringify(await keep(answer)));
  if (first === null) {
    throw new AppError('IDEMPOTENCY_KEY_REUSED', 409, 'This Idempotency-Key was used for another request in the last 24 hours. Use a new one.');
  }
  const headers = first.replayed ? { 'Idempotent-Replayed': 'true' } : undefined;
  const kept = keptShape.parse(JSON.parse(first.text));
  if ('answer' in kept) return { body: kept.answer.body, ...(kept.answer.status && { status: kept.answer.status }), ...(headers && { headers }) };
  const { code, status, message, details } = kept.refusal;
  throw new AppError(code, status, message, { ...(details && { details }), ...(headers && { headers }) });
}

/** A refusal is an answer too. A request that was malformed did nothing and is not kept, nor is a failure of ours. */
async function keep(answer: () => Promise<Answer>): Promise<Kept> {
  return answer().then(
    ({ status, body }) => ({ answer: { status, body } }),
    (error: unknown) => {
      if (!(error instanceof AppError) || error.status >= 500 || error.status === 400) throw error;
      const { code, status, publicMessage: message, details } = error;
      return { refusal: { code, status, message, details } };
    },
  );
}
