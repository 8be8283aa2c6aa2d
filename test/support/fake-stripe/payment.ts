import { renderCharge, renderPaymentIntent } from './render-payment.ts';
import type { Charge, PaymentIntent } from './state.ts';
import { emit, type Step } from './step.ts';

type Owed = Pick<PaymentIntent, 'amount' | 'customerId' | 'email' | 'invoiceId'> & { paymentMethodId?: string };

/** Something to be paid, not tried yet. */
export function createPaymentIntent(step: Step, owed: Owed): PaymentIntent {
  const { state, at } = step;
  const intent: PaymentIntent = {
    id: state.newId('paymentIntent'),
    status: 'requires_payment_method',
    paymentMethodId: state.newId('paymentMethod'),
    latestChargeId: null,
    created: at,
    ...owed,
  };
  state.paymentIntents.set(intent.id, intent);
  emit(step, 'payment_intent.created', renderPaymentIntent(state, intent));
  return intent;
}

/** The buyer's bank takes its days. */
export function beginSlowPayment(step: Step, intent: PaymentIntent): void {
  intent.status = 'processing';
  emit(step, 'payment_intent.processing', renderPaymentIntent(step.state, intent));
}

/** One attempt to collect the money. */
export function attemptCharge(step: Step, intent: PaymentIntent, succeeds: boolean): void {
  const { state, at } = step;
  const charge: Charge = { id: state.newId('charge'), paymentIntentId: intent.id, succeeded: succeeds, created: at };
  state.charges.set(charge.id, charge);
  intent.latestChargeId = charge.id;
  intent.status = succeeds ? 'succeeded' : 'requires_payment_method';
  emit(step, succeeds ? 'charge.succeeded' : 'charge.failed', renderCharge(state, charge));
  emit(step, succeeds ? 'payment_intent.succeeded' : 'payment_intent.payment_failed', renderPaymentIntent(state, intent));
}
