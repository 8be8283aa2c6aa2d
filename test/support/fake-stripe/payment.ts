import { renderCharge, renderPaymentIntent } from './render-payment.ts';
import type { Charge, PaymentIntent } from './state.ts';
import { emit, emitChange, type Step } from './step.ts';

/** How an attempt to collect money goes. */
export type Outcome = 'succeeded' | 'failed' | 'requires_action';

type Owed = Pick<PaymentIntent, 'amount' | 'customerId' | 'email' | 'invoiceId'> & Partial<Pick<PaymentIntent, 'paymentMethodId' | 'status'>>;

/** Something to be paid, not tried yet. */
export function createPaymentIntent(step: Step, owed: Owed): PaymentIntent {
  const { state, at } = step;
  const { paymentMethodId = state.newId('paymentMethod'), ...rest } = owed;
  const id = state.newId('paymentIntent');
  const intent: PaymentIntent = { id, status: 'requires_payment_method', paymentMethodId, latestChargeId: null, canceledAt: null, created: at, ...rest };
  state.paymentIntents.set(intent.id, intent);
  emit(step, 'payment_intent.created', renderPaymentIntent(state, intent));
  return intent;
}

/** The buyer's bank takes its days. */
export function beginSlowPayment(step: Step, intent: PaymentIntent): void {
  intent.status = 'processing';
  emit(step, 'payment_intent.processing', renderPaymentIntent(step.state, intent));
}

/** One attempt to collect the money. Where the buyer must act first, nothing is charged yet. */
export function attemptPayment(step: Step, intent: PaymentIntent, outcome: Outcome): void {
  const { state } = step;
  intent.status = outcome === 'failed' ? 'requires_payment_method' : outcome;
  if (outcome !== 'requires_action') {
    const { amount, customerId, email, paymentMethodId } = intent;
    intent.latestChargeId = createCharge(step, { amount, customerId, email, paymentMethodId, paymentIntentId: intent.id, succeeded: outcome === 'succeeded' }).id;
  }
  const type = outcome === 'failed' ? 'payment_failed' : outcome;
  emit(step, `payment_intent.${type}`, renderPaymentIntent(state, intent));
}

/** One movement of money, or one that was declined. */
function createCharge(step: Step, made: Omit<Charge, 'id' | 'created'>): Charge {
  const { state, at } = step;
  const charge: Charge = { id: state.newId('charge'), created: at, ...made };
  state.charges.set(charge.id, charge);
  emit(step, charge.succeeded ? 'charge.succeeded' : 'charge.failed', renderCharge(state, charge));
  return charge;
}

/** Nothing will be collected any more. */
export function cancelPaymentIntent(step: Step, intent: PaymentIntent): void {
  emitChange(step, ['payment_intent.canceled'], [intent, renderPaymentIntent], { status: 'canceled', canceledAt: step.at });
}
