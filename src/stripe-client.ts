import { setTimeout } from 'node:timers/promises';
import Stripe from 'stripe';
import { takeTurns } from './database/turns.ts';
import { AppError } from './errors.ts';
import type { Logger } from './logger.ts';

/** The way to Stripe's API: how often it is asked, how long it is waited for, and what its failures mean. */

/** `most` requests in any `perMs`, retries and further pages among them. Where it does not answer, Stripe is left alone for `restMs`. */
const usual = { most: 20, perMs: 1_000, timeoutMs: 10_000, restMs: 5_000, retries: 1 };
/** The longest that a 429 can have us wait: an event is tried again about as often. */
const LONGEST_REST_MS = 30_000;
/** While Stripe is in trouble every request says so; this often the log hears of it. */
const COMPLAINT_MS = 60_000;

/** How hard Stripe is asked; tests hurry. */
export type Patience = Partial<typeof usual>;

export type StripeClient = {
  stripe: Stripe;
  /** What a request came to; null: Stripe has no such object. An outage is an `AppError` with status 503. */
  read<T>(request: () => Promise<T>): Promise<T | null>;
};

/** The client of a key. All that a process asks with the key goes through one, so that it keeps one pace. */
export function createStripeClient(secretKey: string, apiBase: string | undefined, log: Logger, patience: Patience = {}): StripeClient {
  const { most, perMs, timeoutMs, restMs, retries } = { ...usual, ...patience };
  const http = Stripe.createNodeHttpClient();
  const pace = takePlaces(most, perMs);
  const httpClient: Pick<typeof http, 'getClientName' | 'makeRequest'> = {
    getClientName: () => http.getClientName(),
    makeRequest: (...request) => pace(() => http.makeRequest(...request)),
  };
  const stripe = new Stripe(secretKey, { ...addressOf(apiBase), httpClient, maxNetworkRetries: retries, timeout: timeoutMs, telemetry: false });
  const complain = complainer(log, secretKey.includes('_live_') ? 'live' : 'test');
  let rest: { until: number; failure: AppError } | null = null;
  return {
    stripe,
    read: async (request) => {
      if (rest !== null && performance.now() < rest.until) throw rest.failure;
      return request().catch((error: unknown) => {
        if (!(error instanceof Stripe.errors.StripeError)) throw error;
        if (error.statusCode === 404) return null;
        const failure = failureOf(error);
        complain(failure);
        const ms = restAfter(error, restMs);
        if (ms > 0) rest = { until: performance.now() + ms, failure };
        throw failure;
      });
    },
  };
}

/**
 * Lets `most` begin in any `perMs`, the others in the order they came. A place is free again that long after its answer, not its
 * start: however late a request arrives at Stripe, the one that takes its place arrives `perMs` later.
 */
function takePlaces(most: number, perMs: number): <T>(work: () => Promise<T>) => Promise<T> {
  const inPlace = takeTurns(most);
  return (work) =>
    new Promise((resolve, reject) => {
      void inPlace(async () => {
        await work().then(resolve, reject);
        await setTimeout(perMs, undefined, { ref: false });
      });
    });
}

/** What is wrong: our key, Stripe (worth another try), or what we asked. */
function failureOf(error: Stripe.errors.StripeError): AppError {
  const { statusCode: status } = error;
  if (status === 401 || status === 403) return new AppError('STRIPE_KEY_REFUSED', 503, 'Stripe refuses the secret key.', { cause: error });
  if (status === undefined || status === 409 || status === 429 || status >= 500) return new AppError('STRIPE_UNREACHABLE', 503, 'Stripe did not answer.', { cause: error });
  return new AppError('STRIPE_REFUSED', 502, 'Stripe refused the request.', { cause: error });
}

/** How long Stripe is left alone: not to wait for each request's timeout in turn, nor to ask more of those who ask for less. */
function restAfter(error: Stripe.errors.StripeError, restMs: number): number {
  if (error instanceof Stripe.errors.StripeConnectionError || error.statusCode === 401) return restMs;
  if (error.statusCode !== 429) return 0;
  const askedMs = Number(error.headers?.['retry-after']) * 1_000;
  return askedMs > 0 ? Math.min(askedMs, LONGEST_REST_MS) : restMs;
}

const complaints: Record<string, string> = {
  STRIPE_KEY_REFUSED: 'Stripe refuses the secret key; events wait until STRIPE_LIVE_SECRET_KEY or STRIPE_TEST_SECRET_KEY (by mode) is mended',
  STRIPE_UNREACHABLE: 'Stripe does not answer; events wait until it does',
};

/** Says what is wrong with Stripe, once a minute each. */
function complainer(log: Logger, mode: 'live' | 'test'): (failure: AppError) => void {
  const saidAt = new Map<string, number>();
  return ({ code, cause }) => {
    const complaint = complaints[code];
    if (complaint === undefined || performance.now() - (saidAt.get(code) ?? -COMPLAINT_MS) < COMPLAINT_MS) return;
    saidAt.set(code, performance.now());
    log.error({ mode, error: cause instanceof Error ? cause.message : String(cause) }, complaint);
  };
}

function addressOf(apiBase: string | undefined) {
  if (apiBase === undefined) return {};
  const { hostname, port, protocol } = new URL(apiBase);
  const http = protocol === 'http:';
  return { host: hostname, port: Number(port || (http ? 80 : 443)), protocol: http ? ('http' as const) : ('https' as const) };
}
