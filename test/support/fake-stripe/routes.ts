import express, { type Express, type Request, type Response } from 'express';
import { ApiError, noRoute } from './api-error.ts';
import { catalogRoutes } from './api/catalog.ts';
import { checkoutSessionRoutes } from './api/checkout-sessions.ts';
import { customerRoutes } from './api/customers.ts';
import { disputeRoutes } from './api/disputes.ts';
import { eventRoutes, valuesOf } from './api/events.ts';
import { answerOnce, type FirstAnswers } from './api/idempotency.ts';
import { invoiceItemRoutes } from './api/invoice-items.ts';
import { invoiceRoutes } from './api/invoices.ts';
import { otherRoutes } from './api/others.ts';
import { type Params, textsOf } from './api/params.ts';
import { paymentIntentRoutes } from './api/payment-intents.ts';
import { paymentMethodRoutes } from './api/payment-methods.ts';
import { quoteRoutes } from './api/quotes.ts';
import { refundRoutes } from './api/refunds.ts';
import type { Route } from './api/route.ts';
import { setupIntentRoutes } from './api/setup-intents.ts';
import { subscriptionItemRoutes } from './api/subscription-items.ts';
import { subscriptionRoutes } from './api/subscriptions.ts';
import { testClockRoutes } from './api/test-clocks.ts';
import { webhookEndpointRoutes } from './api/webhook-endpoints.ts';
import { expand } from './expand.ts';
import { answerError, type Gate, passGate } from './gate.ts';
import type { State } from './state.ts';

const routes: Route[] = [
  ...customerRoutes,
  ...catalogRoutes,
  ...checkoutSessionRoutes,
  ...subscriptionRoutes,
  ...subscriptionItemRoutes,
  ...invoiceRoutes,
  ...invoiceItemRoutes,
  ...quoteRoutes,
  ...paymentMethodRoutes,
  ...paymentIntentRoutes,
  ...setupIntentRoutes,
  ...refundRoutes,
  ...disputeRoutes,
  ...testClockRoutes,
  ...eventRoutes,
  ...otherRoutes,
  ...webhookEndpointRoutes,
];

/** The part of Stripe's API that Tillkey reads, and what the official clients need to make things happen. */
export function stripeApi(state: State, gate: Gate): Express {
  const app = express().disable('x-powered-by').disable('etag').use(passGate(gate, state));
  const firstAnswers: FirstAnswers = new Map();
  app.use(express.urlencoded({ extended: true }));
  for (const route of routes) app[route.method](route.path, (request, response) => serve({ state, route, firstAnswers }, request, response));
  app.use((request) => {
    throw noRoute(request.method, request.path);
  });
  return app.use(answerError);
}

type Serving = { state: State; route: Route; firstAnswers: FirstAnswers };

/** Only what changes something is remembered by its `Idempotency-Key`, its refusal too. */
function serve({ state, route, firstAnswers }: Serving, request: Request, response: Response): void {
  const key = route.method === 'post' ? (request.get('idempotency-key') ?? null) : null;
  const asked = JSON.stringify([request.method, request.path, request.body]);
  state.request = { id: String(response.get('Request-Id')), idempotency_key: key };
  try {
    const { status, body, replayed } = answerOnce(firstAnswers, key, asked, () => answer(state, route, request));
    if (replayed) response.set('Idempotent-Replayed', 'true');
    response.status(status).json(body);
  } finally {
    state.request = null;
  }
}

function answer(state: State, route: Route, request: Request) {
  const query = new URL(request.originalUrl, 'http://localhost').searchParams;
  const params: Params = request.body ?? {};
  const ids = Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)]));
  try {
    const object = route.answer({ state, path: request.path, ids, params, query });
    return { status: 200, body: expand(state, object, [...valuesOf(query, 'expand'), ...(textsOf(params, 'expand') ?? [])]) };
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: error.body };
    throw error;
  }
}
