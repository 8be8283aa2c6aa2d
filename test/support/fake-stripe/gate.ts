import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ApiError, outOfOrder, unauthorized } from './api-error.ts';
import { idsFrom } from './ids.ts';
import { apiVersions } from './shape.ts';
import type { State } from './state.ts';

/** How a request fails: answered with this status, or never. */
export type Failure = number | 'hang';

/** What stands before every route: the count, the headers, the faults to come, and the key. `away`: nobody answers the door. */
export type Gate = { requests: number; failures: Failure[]; away: boolean };

export function createGate(): Gate {
  return { requests: 0, failures: [], away: false };
}

export function passGate(gate: Gate, { shape, livemode }: State): RequestHandler {
  // Of its own, so that what is asked does not change which ids the stories get.
  const newRequestId = idsFrom(0);
  const key = livemode ? /^Bearer (sk|rk)_live_\w+$/ : /^Bearer (sk|rk)_test_\w+$/;
  return (request, response, next) => {
    gate.requests += 1;
    if (gate.away) return void request.socket.destroy();
    response.set({ 'Request-Id': newRequestId('request'), 'Stripe-Version': apiVersions[shape] });
    const failure = gate.failures.shift();
    if (failure === 'hang') return;
    if (failure !== undefined) throw outOfOrder(failure);
    const given = request.headers.authorization;
    if (given === undefined) throw unauthorized('You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.');
    if (!key.test(given)) throw unauthorized(`Invalid API Key provided: ${given.replace('Bearer ', '').slice(0, 8)}****`);
    next();
  };
}

/** Errors in Stripe's shape. What is not one is a fault of the stand-in, said aloud. */
export const answerError: ErrorRequestHandler = (error, _request, response, next) => {
  if (response.headersSent) next(error);
  else if (error instanceof ApiError) response.status(error.status).json(error.body);
  else response.status(500).json({ error: { type: 'api_error', message: `the stand-in for Stripe failed: ${String(error)}` } });
};
