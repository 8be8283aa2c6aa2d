import { renderCharge } from './render-payment.ts';
import { refundedOf, renderRefund } from './render-refund.ts';
import { type Charge, recordOf, type Refund, type RefundStatus } from './state.ts';
import { emit, emitChange, type Step } from './step.ts';

export type RefundOrder = { amount?: number; status?: RefundStatus; reason?: string };

/** Money goes back: all that is left of the charge unless an amount is given, at once unless it is said to be pending. */
export function createRefund(step: Step, charge: Charge, { amount, status = 'succeeded', reason = 'requested_by_customer' }: RefundOrder = {}): Refund {
  const { state, at } = step;
  const before = renderCharge(state, charge);
  const left = charge.amount - refundedOf(state, charge);
  const refund: Refund = { id: state.newId('refund'), chargeId: charge.id, amount: amount ?? left, status, reason, created: at };
  if (!charge.succeeded || refund.amount > left || refund.amount <= 0) throw new Error(`${charge.id} has ${left} left to refund, not ${refund.amount}`);
  state.refunds.set(refund.id, refund);
  emit(step, 'refund.created', renderRefund(state, refund));
  emit(step, 'charge.refunded', renderCharge(state, charge), before);
  return refund;
}

/** What becomes of a refund. One that fails or is canceled leaves the charge as if it had never been. */
export function settleRefund(step: Step, refund: Refund, status: RefundStatus): void {
  const { state } = step;
  const charge = recordOf(state.charges, refund.chargeId);
  const before = renderCharge(state, charge);
  const told: [string, ...string[]] = status === 'failed' ? ['refund.updated', 'refund.failed'] : ['refund.updated'];
  emitChange(step, [...told, 'charge.refund.updated'], [refund, renderRefund], { status });
  if (status === 'failed' || status === 'canceled') emit(step, 'charge.updated', renderCharge(state, charge), before);
}
