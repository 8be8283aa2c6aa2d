import express, { type RequestHandler } from 'express';
import { readEnvelope } from '../billing/core/envelope.ts';
import type { Clock } from '../clock.ts';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { AppError } from '../errors.ts';
import { receiveEvent } from '../inbox.ts';
import type { Queues } from '../queues.ts';
import { isSigned } from '../stripe.ts';

/** The signing secrets of an account; the one that verifies an event names its scope. */
export type SigningSecrets = { scope: Scope; secrets: readonly string[] }[];

type Dependencies = {
  database: Database;
  clock: Clock;
  queues: Pick<Queues, 'enqueue'>;
  /** Null: there is no such account. `account` undefined: the default account. */
  signingSecrets: (account: string | undefined) => Promise<SigningSecrets | null>;
};

/** Reads the body as it came: the signature is over these bytes. */
export const rawBody: RequestHandler = express.raw({ type: () => true, limit: '2mb' });

/** Verify, store once, enqueue, 200. Nothing of the body is used before its signature is checked. */
export function stripeWebhook({ database, clock, queues, signingSecrets }: Dependencies): RequestHandler {
  return async (request, response) => {
    const candidates = await signingSecrets(request.params['account']?.toString());
    if (candidates === null) throw new AppError('NOT_FOUND', 404, 'Not found.');
    if (candidates.every(({ secrets }) => secrets.length === 0)) {
      throw new AppError('WEBHOOK_NOT_CONFIGURED', 503, 'No signing secret is configured: set STRIPE_LIVE_WEBHOOK_SECRETS or STRIPE_TEST_WEBHOOK_SECRETS; for a further account, run stripe:connect.');
    }
    const scope = verify(request.body, request.headers['stripe-signature'], candidates);
    const payload = String(request.body);
    const envelope = readEnvelope(payload);
    if (envelope === null) throw new AppError('VALIDATION_ERROR', 400, 'The body is not a Stripe event.');
    const received = await receiveEvent(database, scope, { envelope, payload }, clock.now());
    if (received !== 'done') await queues.enqueue('stripe-events', { scopeId: scope.id, id: envelope.id });
    response.status(200).json({ received: true });
  };
}

function verify(body: unknown, header: string | string[] | undefined, candidates: SigningSecrets): Scope {
  const signed = candidates.find(({ secrets }) => Buffer.isBuffer(body) && typeof header === 'string' && isSigned(body, header, secrets));
  if (!signed) throw new AppError('INVALID_SIGNATURE', 400, 'The Stripe-Signature header is missing, stale or does not match the body.');
  return signed.scope;
}
