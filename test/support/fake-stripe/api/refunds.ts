import { ApiError, badParameter } from '../api-error.ts';
import { createRefund, settleRefund } from '../refund.ts';
import { refundedOf, renderRefund } from '../render-refund.ts';
import type { Charge, Refund, State, StripeObject } from '../state.ts';
import { emitShown, requestedStep, show } from '../step.ts';
import { integerOf, type Params, textOf } from './params.ts';
import { chargeKind } from './payment-intents.ts';
import { behaviorOf } from './payment-methods.ts';
import { type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { tell, update } from './tell.ts';

const kind: Kind<Refund> = {
  path: '/v1/refunds',
  noun: 'refund',
  param: 'id',
  records: ({ refunds }) => refunds,
  render: renderRefund,
  filters: ['charge', 'payment_intent'],
};

export const refundRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/refunds/:id', answer: change },
  { method: 'post', path: '/v1/refunds/:id/cancel', answer: cancel },
];

function create({ state, params }: Call): StripeObject {
  const charge = chargeIn(state, params);
  const left = charge.succeeded ? charge.amount - refundedOf(state, charge) : 0;
  const amount = integerOf(params, 'amount') ?? left;
  if (left === 0) throw new ApiError(400, { code: 'charge_already_refunded', message: `Charge ${charge.id} has already been refunded.`, type: 'invalid_request_error' });
  if (amount > left || amount < 1) throw badParameter('amount', `Refund amount (${amount}) is greater than unrefunded amount on charge (${left}).`);
  const behavior = behaviorOf(state, charge.paymentMethodId);
  const step = requestedStep(state);
  const refund = createRefund(step, charge, { amount, status: behavior === 'refund_waits' ? 'pending' : 'succeeded', ...reasonIn(params) });
  tell(state, refund.id, params);
  const answer = shown(state, kind, refund);
  if (behavior === 'refund_waits') settleRefund(step, refund, 'succeeded');
  if (behavior === 'refund_fails') settleRefund(step, refund, 'failed');
  return answer;
}

function reasonIn(params: Params): { reason?: string } {
  const reason = textOf(params, 'reason');
  return reason == null ? {} : { reason };
}

function chargeIn(state: State, params: Params): Charge {
  const intent = state.paymentIntents.get(textOf(params, 'payment_intent') ?? '');
  const id = textOf(params, 'charge') ?? intent?.latestChargeId;
  if (id == null) throw badParameter('charge', 'One of the following params should be provided for this request: payment_intent or charge.');
  return named(state, chargeKind, id, 'charge');
}

/** What is told of a refund goes out as two events, by its new name and by its old. */
function change(call: Call): StripeObject {
  const { state, params } = call;
  const refund = find(call, kind);
  const step = requestedStep(state);
  const before = show(state, renderRefund(state, refund));
  update(step, { type: 'refund.updated', id: refund.id, render: () => renderRefund(state, refund), params });
  emitShown(step, 'charge.refund.updated', shown(state, kind, refund), before);
  return shown(state, kind, refund);
}

function cancel(call: Call): StripeObject {
  const { state } = call;
  const refund = find(call, kind);
  if (refund.status !== 'pending' && refund.status !== 'requires_action') throw badParameter('id', `This refund is ${refund.status} and cannot be canceled.`);
  settleRefund(requestedStep(state), refund, 'canceled');
  return shown(state, kind, refund);
}
