import { badParameter } from '../api-error.ts';
import { expireSession, openSession } from '../checkout.ts';
import { completeSession, settleSlowPayment } from '../complete-session.ts';
import { renderCheckoutSession, renderLineItems } from '../render-checkout-session.ts';
import { type CheckoutSession, type LineItem, recordOf, type StripeObject } from '../state.ts';
import { requestedStep, type Step } from '../step.ts';
import { priceOf } from './catalog.ts';
import { customerKind } from './customers.ts';
import { flagOf, integerOf, type Params, partOf, partsOf, requiredText, textOf } from './params.ts';
import { afterPayment, cardDeclined } from './payment-intents.ts';
import { type Behavior, behaviorOf, buyerOf, paymentMethodOf } from './payment-methods.ts';
import { answerList, type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { tell } from './tell.ts';

const kind: Kind<CheckoutSession> = {
  path: '/v1/checkout/sessions',
  noun: 'checkout.session',
  param: 'session',
  records: ({ sessions }) => sessions,
  render: renderCheckoutSession,
  filters: ['customer', 'payment_intent', 'status', 'subscription'],
};

/** `payment_pages`: what the page in the buyer's browser asks for. It is not public, and the CLI asks for it all the same. */
export const checkoutSessionRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'get', path: '/v1/checkout/sessions/:id/line_items', answer: listLineItems },
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/checkout/sessions/:id/expire', answer: expire },
  { method: 'get', path: '/v1/payment_pages/:id', answer: (call) => shown(call.state, kind, find(call, kind)) },
  { method: 'post', path: '/v1/payment_pages/:id/confirm', answer: confirm },
];

function listLineItems(call: Call): object {
  return answerList(call, { noun: 'item', filters: [] }, renderLineItems(call.state, find(call, kind)));
}

const modes = { payment: 'payment', setup: 'setup', subscription: 'subscription' } as const;

function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const [, mode] = Object.entries(modes).find(([name]) => name === requiredText(params, 'mode')) ?? [];
  if (mode === undefined) throw badParameter('mode', 'Invalid mode: must be one of payment, setup, or subscription.');
  const customerId = textOf(params, 'customer') ?? null;
  const customer = customerId === null ? null : named(state, customerKind, customerId, 'customer');
  const session = openSession(step, {
    mode,
    lineItems: lineItemsIn(step, params),
    customerId,
    email: customer?.email ?? textOf(params, 'customer_email') ?? null,
    name: customer?.name ?? null,
    trialDays: integerOf(partOf(params, 'subscription_data'), 'trial_period_days') ?? 0,
    invoiceCreation: flagOf(partOf(params, 'invoice_creation'), 'enabled') ?? false,
    ...(textOf(params, 'customer_creation') === 'always' && { customerCreation: 'always' as const }),
  });
  tell(state, session.id, params);
  return shown(state, kind, session);
}

function lineItemsIn(step: Step, params: Params): LineItem[] {
  const given = partsOf(params, 'line_items') ?? [];
  return given.map((item) => ({ id: step.state.newId('lineItem'), priceId: priceOf(step, item), quantity: integerOf(item, 'quantity') ?? 1 }));
}

function expire(call: Call): StripeObject {
  const session = openOne(find(call, kind));
  expireSession(requestedStep(call.state), session);
  return shown(call.state, kind, session);
}

function openOne(session: CheckoutSession): CheckoutSession {
  if (session.status !== 'open') throw badParameter('session', `Only Checkout Sessions with a status in ["open"] can be changed so. This Checkout Session has a status of ${session.status}.`);
  return session;
}

/** The buyer pays on the page. */
function confirm(call: Call): StripeObject {
  const { state, params } = call;
  const session = openOne(find(call, kind));
  const expected = integerOf(params, 'expected_amount');
  const total = Number(renderCheckoutSession(state, session)['amount_total'] ?? 0);
  if (expected !== undefined && expected !== total) throw badParameter('expected_amount', `The amount is ${total}, not ${expected}.`);
  const method = paymentMethodOf(state, requiredText(params, 'payment_method'));
  const buyer = buyerOf(state, method);
  session.email ??= buyer.email;
  session.name ??= buyer.name ?? null;
  complete(requestedStep(state), session, behaviorOf(state, method.id));
  return shown(state, kind, session);
}

/** The bank of one that pays slowly answers at once. */
function complete(step: Step, session: CheckoutSession, behavior: Behavior): void {
  if (behavior === 'declined') throw cardDeclined();
  const slow = behavior.startsWith('slow');
  completeSession(step, session, { slow });
  if (session.paymentIntentId === null) return;
  if (behavior === 'slow_pays' || behavior === 'slow_declined') settleSlowPayment(step, session, behavior === 'slow_pays');
  afterPayment(step, recordOf(step.state.paymentIntents, session.paymentIntentId), behavior);
}
