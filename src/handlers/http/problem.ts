import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { isUnavailable } from '../../database/orm.ts';
import { AppError, type Refusal, type RefusalCode } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { OtherInterface } from '../compat/other-interface.ts';
import { requestIdOf } from './request-id.ts';

/** Errors, mapped once for HTTP: one shape, and nothing of ours in it but a request id. */

export const statusOfRefusal: Record<RefusalCode, number> = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  BANNED: 403,
  REVOKED: 403,
  SUSPENDED: 403,
  EXPIRED: 403,
  FINGERPRINT_REQUIRED: 403,
  FINGERPRINT_NOT_FOUND: 403,
  HEARTBEAT_REQUIRED: 403,
  TRANSFER_NOT_ALLOWED: 403,
  OFFLINE_NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  IDEMPOTENCY_KEY_REUSED: 409,
  OVERRIDES_NOT_ALLOWED: 422,
  EXPIRY_REQUIRED: 422,
  NOT_RENEWABLE: 422,
  MACHINE_LIMIT_EXCEEDED: 422,
  FINGERPRINT_TAKEN: 422,
  TTL_OUT_OF_RANGE: 422,
};

/** The failure that answers a refusal. */
export function refusalError({ refused, message, details }: Refusal): AppError {
  return new AppError(refused, statusOfRefusal[refused], message, details && { details });
}

/** What body-parser and Express themselves object to, by the `type` or status they give it. */
const requestFault = z.object({ status: z.int().min(400).max(499), type: z.string().optional() });

/** Whatever was thrown, as the failure that the client is told. */
function failureOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isUnavailable(error)) return new AppError('UNAVAILABLE', 503, 'The database is not available. Try again in a moment.', { cause: error, headers: { 'Retry-After': '1' } });
  const fault = requestFault.safeParse(error);
  if (!fault.success) return new AppError('INTERNAL', 500, 'Something went wrong on our side.', { cause: error });
  const { status, type } = fault.data;
  if (status === 413) return new AppError('PAYLOAD_TOO_LARGE', 413, 'The body is too large.');
  if (status === 415) return new AppError('UNSUPPORTED_MEDIA_TYPE', 415, 'The content encoding or charset is not supported.');
  const message = type === 'entity.parse.failed' ? 'The body is not valid JSON.' : 'The request could not be read.';
  return new AppError('VALIDATION_ERROR', 400, message);
}

/** The last middleware: turns whatever was thrown into the documented error shape. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return errorHandler(log, (failure, response) => {
    response.status(failure.status).json({
      error: failure.publicMessage,
      code: failure.code,
      ...(failure.details && { details: failure.details }),
      requestId: requestIdOf(response),
    });
  });
}

/** As `answerErrors`, in the words of another system's interface. */
export function answerErrorsOf({ showFailure }: Pick<OtherInterface, 'showFailure'>, log: Logger): ErrorRequestHandler {
  return errorHandler(log, (failure, response) => {
    const { status, body } = showFailure(failure, response.req.originalUrl.replace(/[?].*$/, ''));
    response.status(status).json(body);
  });
}

/** Handles whatever was thrown: names it, logs what is ours, and lets `show` answer; an answer that is under way is cut off. */
export function errorHandler(log: Logger, show: (failure: AppError, response: Response) => void): ErrorRequestHandler {
  return (error, _request, response, next) => {
    const failure = failureOf(error);
    if (failure.status >= 500) requestFailed(log, failure, response);
    if (response.headersSent) {
      response.destroy();
      // Past all other handlers: it is told.
      next('router');
      return;
    }
    if (failure.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
    show(failure, response);
  };
}

/** Logs a failure of ours under its request, with its cause. */
function requestFailed(log: Logger, failure: AppError, response: Response): void {
  log.error({ requestId: requestIdOf(response), code: failure.code, error: causeOf(failure) }, 'request failed');
}

function causeOf(failure: AppError): string {
  return failure.cause instanceof Error ? (failure.cause.stack ?? failure.cause.message) : failure.message;
}

/** What answers a path that no route serves. */
export const answerUnknownPath: RequestHandler = () => {
  throw new AppError('NOT_FOUND', 404, 'Not found.');
};
