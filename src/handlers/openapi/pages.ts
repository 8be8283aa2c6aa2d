import { type ErrorCode, errorAnswers } from './error-answers.ts';
import type { Shared } from './operation.ts';
import type { JsonObject } from './schemas.ts';

/** What is served beside the route table: probes, Stripe's webhook, and the document itself. */

type Page = { summary: string; description?: string; successes: Record<number, JsonObject>; refuses: ErrorCode[]; more?: JsonObject };

const json = (description: string, example: JsonObject): JsonObject => ({ description, content: { 'application/json': { schema: { type: 'object' }, example } } });
const checks = { database: true, migrations: true, inbox: true, outbox: true };
const received = json('Stored. It is applied in the background.', { received: true });
const stripeEvent: JsonObject = {
  parameters: [{ name: 'Stripe-Signature', in: 'header', required: true, description: 'Over the bytes of the body', schema: { type: 'string' }, example: 't=1772357400,v1=5257a8…' }],
  requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' }, example: { id: 'evt_1QwErTyInvoicePaid', object: 'event', type: 'invoice.paid', created: 1_772_357_400, livemode: true, data: { object: {} } } } } },
};
const webhookRefuses: ErrorCode[] = ['INVALID_SIGNATURE', 'VALIDATION_ERROR', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'NOT_FOUND', 'INTERNAL', 'WEBHOOK_NOT_CONFIGURED'];
const account: JsonObject = { name: 'account', in: 'path', required: true, schema: { type: 'string' }, example: '01975d6e-3f00-7a10-8c00-000000000001' };

const pages: Record<string, Record<string, Page & { id: string; tag: string }>> = {
  '/healthz': { get: { id: 'readHealth', tag: 'Service', summary: 'The process is up', successes: { 200: json('It is up.', { status: 'ok' }) }, refuses: ['RATE_LIMITED', 'INTERNAL'] } },
  '/readyz': {
    get: {
      id: 'readReadiness', tag: 'Service', summary: 'Whether requests can be served', refuses: ['RATE_LIMITED', 'INTERNAL'],
      successes: {
        200: json('The database answers, its schema is current, and neither inbox nor outbox is stuck. `failedEvents` counts Stripe events that were given up.', { status: 'ready', checks, failedEvents: 0 }),
        503: json('Not ready; `checks` says why.', { status: 'not ready', checks: { ...checks, outbox: false }, failedEvents: 2 }),
      },
    },
  },
  '/metrics': {
    get: {
      id: 'readMetrics', tag: 'Service', summary: 'How inbox and outbox stand, for Prometheus', refuses: ['RATE_LIMITED', 'INTERNAL'],
      successes: { 200: { description: 'Gauges.', content: { 'text/plain': { schema: { type: 'string' }, example: 'tillkey_stripe_events{mode="live",outcome="applied"} 1204' } } } },
    },
  },
  '/webhooks/stripe': { post: { id: 'receiveStripeEvent', tag: 'Service', summary: 'Take an event from Stripe', successes: { 200: received }, refuses: webhookRefuses, more: stripeEvent } },
  '/webhooks/stripe/{account}': {
    post: {
      id: 'receiveStripeEventFor', tag: 'Service', summary: 'Take an event from Stripe for one account', successes: { 200: received }, refuses: webhookRefuses,
      more: { ...stripeEvent, parameters: [account, ...(Array.isArray(stripeEvent['parameters']) ? stripeEvent['parameters'] : [])] },
    },
  },
  '/api/openapi.json': { get: { id: 'readOpenApi', tag: 'Service', summary: 'This document', successes: { 200: json('The document.', { openapi: '3.1.1' }) }, refuses: ['RATE_LIMITED', 'INTERNAL'] } },
  '/api/reference': {
    get: {
      id: 'readReference', tag: 'Service', summary: 'This document, readable', refuses: ['RATE_LIMITED', 'INTERNAL'],
      successes: { 200: { description: 'A page.', content: { 'text/html': { schema: { type: 'string' }, example: '<!doctype html>' } } } },
    },
  },
};

/** The pages as the paths of a document. */
export function pagePaths({ responses }: Shared): Record<string, JsonObject> {
  return Object.fromEntries(Object.entries(pages).map(([path, byMethod]) => [
    path,
    Object.fromEntries(Object.entries(byMethod).map(([method, page]) => [method, operationOf(page, responses)])),
  ]));
}

function operationOf({ id, tag, summary, successes, refuses, more = {} }: Page & { id: string; tag: string }, responses: Record<string, JsonObject>): JsonObject {
  const headers = { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } };
  const answers = Object.fromEntries(Object.entries(successes).map(([status, answer]) => [status, { ...answer, headers }]));
  return { operationId: id, tags: [tag], summary, security: [], ...more, responses: { ...errorAnswers(refuses, responses), ...answers } };
}
