import { ApiError } from '../api-error.ts';
import type { StripeObject } from '../state.ts';
import { changeOther, keepOther, otherKind } from './others.ts';
import { flagOf, textOf } from './params.ts';
import { attachTo, behaviorOf, paymentMethodOf } from './payment-methods.ts';
import { type Call, readRoutes, type Route } from './route.ts';

const PATH = '/v1/setup_intents';
const kind = otherKind({ path: PATH, object: 'setup_intent' });

/** A payment method is set up for later: nothing is paid. */
export const setupIntentRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: PATH, answer: create },
  { method: 'post', path: `${PATH}/:id/confirm`, answer: (call) => confirm(call) },
  { method: 'post', path: `${PATH}/:id/cancel`, answer: (call) => changeOther(call, kind, 'setup_intent.canceled', { ...call.params, status: 'canceled' }) },
];

function create(call: Call): StripeObject {
  const { state, params } = call;
  const { confirm: _confirm, ...said } = params;
  const named = textOf(params, 'payment_method');
  const method = named == null ? null : paymentMethodOf(state, named).id;
  const start = () => ({ last_setup_error: null, next_action: null, status: method === null ? 'requires_payment_method' : 'requires_confirmation', usage: 'off_session' });
  const intent = keepOther({ ...call, params: { ...said, ...(method !== null && { payment_method: method }) } }, { path: PATH, object: 'setup_intent', idKind: 'setupIntent', start });
  return flagOf(params, 'confirm') ? confirm({ ...call, ids: { id: intent.id }, params: {} }) : intent;
}

function confirm(call: Call): StripeObject {
  const { state } = call;
  const intent = state.others.get(call.ids['id'] ?? '');
  const method = textOf(call.params, 'payment_method') ?? textOf(intent ?? {}, 'payment_method') ?? '';
  const { id } = paymentMethodOf(state, method);
  const behavior = behaviorOf(state, id);
  if (behavior === 'needs_action') return changeOther(call, kind, 'setup_intent.requires_action', { payment_method: id, status: 'requires_action', next_action: { type: 'use_stripe_sdk' } });
  if (behavior !== 'declined') return succeed(call, id);
  const error = { code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.', type: 'card_error' };
  const failed = changeOther(call, kind, 'setup_intent.setup_failed', { last_setup_error: error, payment_method: null, status: 'requires_payment_method' });
  throw new ApiError(402, { ...error, setup_intent: failed });
}

function succeed(call: Call, methodId: string): StripeObject {
  const { state } = call;
  const intent = changeOther(call, kind, 'setup_intent.succeeded', { payment_method: methodId, status: 'succeeded' });
  const customer = textOf(intent, 'customer');
  if (customer != null) attachTo(state, paymentMethodOf(state, methodId), customer);
  return intent;
}
