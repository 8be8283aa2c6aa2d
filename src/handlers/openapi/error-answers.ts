import type { RefusalCode } from '../../errors.ts';
import { statusOfRefusal } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import { refersTo, type JsonObject } from './schemas.ts';

/** Every refusal and failure a route can answer with, told by its access, its input and what it says it refuses. */

/** What the mappers of `http/` answer beside the refusals. */
const statusOfFault = {
  METHOD_NOT_ALLOWED: 405, PAYLOAD_TOO_LARGE: 413, UNSUPPORTED_MEDIA_TYPE: 415, RATE_LIMITED: 429, INTERNAL: 500, INVALID_SIGNATURE: 400, WEBHOOK_NOT_CONFIGURED: 503,
} as const;

export type ErrorCode = RefusalCode | keyof typeof statusOfFault;

const statusOf: Record<string, number> = { ...statusOfRefusal, ...statusOfFault };

const meanings: Record<number, string> = {
  400: 'The request is malformed. `details.issues` names each fault.',
  401: 'No valid credential came.',
  403: 'The credential may not do this, or the license’s state does not allow it.',
  404: 'Absent, deleted, or somebody else’s: the three are not told apart.',
  409: 'It conflicts with what is there.',
  413: 'The body is larger than 1 MB, or than 2 MB where it holds a Stripe event.',
  415: 'The body is not `application/json`, or packed in a way that is not known.',
  422: 'The request is well formed, and a rule says no.',
  429: 'Too many requests. `Retry-After` says when to come back.',
  500: 'Something went wrong on our side. Nothing but the request id is told.',
  503: 'Not to be served now.',
};

/** An example sentence for a code; a refusal's own says more. */
const sentences: Partial<Record<ErrorCode, string>> = {
  VALIDATION_ERROR: 'The request is not valid. name: Invalid input: expected string, received undefined',
  UNAUTHORIZED: 'Send a valid API key: Authorization: Bearer lk_live_… or lk_test_…',
  FORBIDDEN: 'This API key lacks the scope licenses:write.',
  NOT_FOUND: 'Not found.',
  IDEMPOTENCY_KEY_REUSED: 'This Idempotency-Key was used for another request in the last 24 hours. Use a new one.',
  RATE_LIMITED: 'Too many requests. Try again in 12 seconds.',
  PAYLOAD_TOO_LARGE: 'The body is too large.',
  UNSUPPORTED_MEDIA_TYPE: 'Send the body as application/json.',
  INTERNAL: 'Something went wrong on our side.',
  MACHINE_LIMIT_EXCEEDED: 'Every machine of this license is taken.',
};

/** `details` of the errors that have some. */
const details: Partial<Record<ErrorCode, JsonObject>> = {
  VALIDATION_ERROR: { issues: [{ path: ['name'], message: 'Invalid input: expected string, received undefined', code: 'invalid_type' }] },
  MACHINE_LIMIT_EXCEEDED: { limit: 3, count: 3 },
};

/** The codes a route can answer with. */
export function codesOf({ method, path, access, refuses = [] }: Pick<Route, 'method' | 'path' | 'access' | 'refuses'>): ErrorCode[] {
  const keyed = 'permission' in access;
  return [
    'VALIDATION_ERROR', 'RATE_LIMITED', 'INTERNAL', ...refuses,
    ...(keyed ? (['UNAUTHORIZED', 'FORBIDDEN'] as const) : []),
    ...(path.includes(':') ? (['NOT_FOUND'] as const) : []),
    ...(keyed && method === 'post' ? (['IDEMPOTENCY_KEY_REUSED'] as const) : []),
    ...(method === 'get' ? [] : (['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const)),
  ];
}

/** The answers for these codes, one a status. Equal ones are written once, in `responses`. */
export function errorAnswers(codes: ErrorCode[], responses: Record<string, JsonObject>): JsonObject {
  const sorted = [...new Set(codes)].sort();
  const statuses = [...new Set(sorted.map((code) => statusOf[code] ?? 500))].sort();
  return Object.fromEntries(statuses.map((status) => {
    const ofStatus = sorted.filter((code) => statusOf[code] === status);
    const name = `${status}.${ofStatus.join('.')}`;
    responses[name] ??= errorAnswer(status, ofStatus);
    return [String(status), { $ref: `#/components/responses/${name}` }];
  }));
}

function errorAnswer(status: number, codes: ErrorCode[]): JsonObject {
  const headers = ['X-Request-Id', ...(status === 429 ? ['Retry-After'] : []), ...(status === 401 ? ['WWW-Authenticate'] : [])];
  return {
    description: meanings[status] ?? 'Refused.',
    headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: {
      'application/json': {
        schema: { $ref: refersTo('Error'), properties: { code: { enum: codes } } },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleError(code) }])),
      },
    },
  };
}

function exampleError(code: ErrorCode): JsonObject {
  const told = details[code];
  return { error: sentences[code] ?? `Refused: ${code.toLowerCase().replaceAll('_', ' ')}.`, code, ...(told && { details: told }), requestId: '5f0c9d0e-5b0a-4a8e-9a3d-0d7a4a0f9d11' };
}
