import { ApiError, badParameter } from '../api-error.ts';
import { openDispute } from '../dispute.ts';
import { attemptPayment, beginSlowPayment, cancelPaymentIntent, createPaymentIntent, type Outcome } from '../payment.ts';
import { renderCharge, renderPaymentIntent } from '../render-payment.ts';
import { type Charge, type PaymentIntent, recordOf, type State, type StripeObject } from '../state.ts';
import { emit, requestedStep, type Step } from '../step.ts';
import { flagOf, integerOf, type Params, requiredText, textOf } from './params.ts';
import { type Behavior, behaviorOf, paymentMethodOf } from './payment-methods.ts';
import { type Call, find, type Kind, readRoutes, type Route, shown } from './route.ts';
import { tell } from './tell.ts';

const kind: Kind<PaymentIntent> = {
  path: '/v1/payment_intents',
  noun: 'payment_intent',
  param: 'intent',
  records: ({ paymentIntents }) => paymentIntents,
  render: renderPaymentIntent,
  filters: ['customer'],
};

export const chargeKind: Kind<Charge> = {
  path: '/v1/charges',
  noun: 'charge',
  param: 'charge',
  records: ({ charges }) => charges,
  render: renderCharge,
  filters: ['customer', 'payment_intent'],
};

export const paymentIntentRoutes: Route[] = [
  ...readRoutes(kind),
  ...readRoutes(chargeKind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/payment_intents/:id/confirm', answer: confirm },
  { method: 'post', path: '/v1/payment_intents/:id/capture', answer: capture },
  { method: 'post', path: '/v1/payment_intents/:id/cancel', answer: cancel },
];

/** How an attempt to collect money goes with each kind of payment method. Null: a bank that takes its days. */
const outcomes: Record<Behavior, Outcome | null> = {
  declined: 'failed', disputed: 'succeeded', inquired: 'succeeded', needs_action: 'requires_action', pays: 'succeeded',
  refund_fails: 'succeeded', refund_waits: 'succeeded', slow: null, slow_declined: null, slow_pays: null,
};

/** How an attempt goes at once; what takes its days counts as paid where nothing waits for it. */
export function outcomeOf(behavior: Behavior): Outcome {
  return outcomes[behavior] ?? 'succeeded';
}

/** One attempt at a payment. */
function tryPayment(step: Step, intent: PaymentIntent, behavior: Behavior): void {
  const outcome = outcomes[behavior];
  if (outcome !== null) attemptPayment(step, intent, outcome);
  else beginSlowPayment(step, intent);
  afterPayment(step, intent, behavior);
}

/** The bank answers for a payment that takes its days, here at once. */
function settleSlowPayment(step: Step, intent: PaymentIntent, behavior: Behavior): void {
  if (behavior === 'slow_pays') attemptPayment(step, intent, 'succeeded');
  if (behavior === 'slow_declined') attemptPayment(step, intent, 'failed');
}

/** What follows by itself from a payment with some test cards. */
export function afterPayment(step: Step, intent: PaymentIntent, behavior: Behavior): void {
  const charge = step.state.charges.get(intent.latestChargeId ?? '');
  if (charge && behavior === 'disputed') openDispute(step, charge);
  if (charge && behavior === 'inquired') openDispute(step, charge, { status: 'warning_needs_response' });
}

/** 402: the card was declined, and what it was to pay for. */
export function cardDeclined(payment: { payment_intent?: StripeObject } = {}): ApiError {
  return new ApiError(402, {
    code: 'card_declined',
    decline_code: 'generic_decline',
    doc_url: 'https://stripe.com/docs/error-codes/card-declined',
    message: 'Your card was declined.',
    ...payment,
    type: 'card_error',
  });
}

function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const amount = integerOf(params, 'amount');
  if (amount === undefined || amount < 1) throw badParameter('amount', 'This value must be greater than or equal to 1.');
  requiredText(params, 'currency');
  const intent = createPaymentIntent(step, {
    amount, customerId: textOf(params, 'customer') ?? null, email: textOf(params, 'receipt_email') ?? null, invoiceId: null, ...methodIn(state, params),
  });
  tell(state, intent.id, params);
  if (textOf(params, 'capture_method') === 'manual') state.told.set(intent.id, { ...state.told.get(intent.id), capture_method: 'manual' });
  return flagOf(params, 'confirm') ? confirmed(step, intent) : shown(state, kind, intent);
}

function methodIn(state: State, params: Params): Pick<PaymentIntent, 'paymentMethodId' | 'status'> {
  const name = textOf(params, 'payment_method');
  return name == null ? { paymentMethodId: null, status: 'requires_payment_method' } : { paymentMethodId: paymentMethodOf(state, name).id, status: 'requires_confirmation' };
}

function confirm(call: Call): StripeObject {
  const { state, params } = call;
  const intent = find(call, kind);
  if (textOf(params, 'payment_method') != null) Object.assign(intent, methodIn(state, params));
  return confirmed(requestedStep(state), intent);
}

function confirmed(step: Step, intent: PaymentIntent): StripeObject {
  const { state } = step;
  if (intent.status === 'succeeded' || intent.status === 'canceled') throw unexpectedState(state, intent);
  if (intent.paymentMethodId === null) throw badParameter('payment_method', 'You cannot confirm this PaymentIntent because it\'s missing a payment method.');
  const behavior = behaviorOf(state, intent.paymentMethodId);
  if (behavior === 'pays' && state.told.get(intent.id)?.['capture_method'] === 'manual') hold(step, intent);
  else tryPayment(step, intent, behavior);
  settleSlowPayment(step, intent, behavior);
  if (behavior === 'declined') throw cardDeclined({ payment_intent: shown(state, kind, intent) });
  return shown(state, kind, intent);
}

/** The money is set aside, and collected by a capture. */
function hold(step: Step, intent: PaymentIntent): void {
  intent.status = 'requires_capture';
  step.state.told.set(intent.id, { ...step.state.told.get(intent.id), amount_capturable: intent.amount });
  emit(step, 'payment_intent.amount_capturable_updated', renderPaymentIntent(step.state, intent));
}

function capture(call: Call): StripeObject {
  const { state } = call;
  const intent = find(call, kind);
  if (intent.status !== 'requires_capture') throw unexpectedState(state, intent);
  const step = requestedStep(state);
  state.told.set(intent.id, { ...state.told.get(intent.id), amount_capturable: 0 });
  attemptPayment(step, intent, 'succeeded');
  emit(step, 'charge.captured', renderCharge(state, recordOf(state.charges, intent.latestChargeId ?? '')));
  return shown(state, kind, intent);
}

function cancel(call: Call): StripeObject {
  const { state, params } = call;
  const intent = find(call, kind);
  if (intent.status === 'succeeded' || intent.status === 'canceled') throw unexpectedState(state, intent);
  state.told.set(intent.id, { ...state.told.get(intent.id), cancellation_reason: textOf(params, 'cancellation_reason') ?? null });
  cancelPaymentIntent(requestedStep(state), intent);
  return shown(state, kind, intent);
}

function unexpectedState(state: State, intent: PaymentIntent): ApiError {
  const message = `This PaymentIntent's status is ${intent.status}, which this cannot be done in.`;
  return new ApiError(400, { code: 'payment_intent_unexpected_state', message, payment_intent: shown(state, kind, intent), type: 'invalid_request_error' });
}
