/**
 * Two kinds of "no".
 *
 * A **refusal** is a value: a use case understood the request and a rule says no. It travels in the return type and
 * an edge turns it into an answer. A **failure** is an `AppError`: something is wrong with the request or with us. It is
 * thrown, and mapped once for HTTP (`handlers/http/problem.ts`) and once for jobs (`jobs/attempt.ts`).
 */

/** One fault in a request: where it is and what is wrong, in the shape of `details.issues`. */
export type Issue = { path: (string | number)[]; message: string; code: string };

/** Why a use case said no. The HTTP status each one answers with stands in `handlers/http/problem.ts`. */
export type RefusalCode =
  | 'NOT_FOUND' | 'CONFLICT' | 'VALIDATION_ERROR' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'IDEMPOTENCY_KEY_REUSED'
  | 'OVERRIDES_NOT_ALLOWED' | 'EXPIRY_REQUIRED' | 'NOT_RENEWABLE' | 'MACHINE_LIMIT_EXCEEDED' | 'FINGERPRINT_TAKEN' | 'TTL_OUT_OF_RANGE'
  | 'BANNED' | 'REVOKED' | 'SUSPENDED' | 'EXPIRED' | 'FINGERPRINT_REQUIRED' | 'FINGERPRINT_NOT_FOUND' | 'HEARTBEAT_REQUIRED' | 'TRANSFER_NOT_ALLOWED' | 'OFFLINE_NOT_ALLOWED';

/** `details` are for the client: the faults of a request as `issues`, or the numbers of a limit. */
export type Refusal = { refused: RefusalCode; message: string; details?: { issues: Issue[] } | Record<string, number> };

/** A refusal as a use case returns it. */
export type Refused = { ok: false } & Refusal;

/** A use case's answer: the thing asked for, or the reason it was refused. */
export type Result<T> = { ok: true; value: T } | Refused;

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(refused: RefusalCode, message: string, details?: Refusal['details']): Refused {
  return { ok: false, refused, message, ...(details && { details }) };
}

/** The one refusal for what is absent, deleted or somebody else's: the three must not be told apart. */
export function notFound(): Refused {
  return refuse('NOT_FOUND', 'Not found.');
}

/** A refusal of one field of the request body. */
export function refuseField(field: string, message: string, code: string): Refused {
  return refuse('VALIDATION_ERROR', message, { issues: [{ path: [field], message, code }] });
}

/** A failure with what the client may be told (`code`, `status`, `publicMessage`) and, for the log only, its cause. */
export class AppError extends Error {
  readonly code: string;
  readonly status: number;
  readonly publicMessage: string;
  readonly details: Record<string, unknown> | undefined;
  readonly headers: Record<string, string>;

  constructor(
    code: string,
    status: number,
    publicMessage: string,
    options: { cause?: unknown; details?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    super(publicMessage, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = status;
    this.publicMessage = publicMessage;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }
}
