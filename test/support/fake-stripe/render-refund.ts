import { shownIn } from './shape.ts';
import { type Charge, type Dispute, recordOf, type Refund, type State, type StripeObject } from './state.ts';

/** A refund as Stripe shows it. */
export function renderRefund(state: State, refund: Refund): StripeObject {
  const charge = recordOf(state.charges, refund.chargeId);
  return shownIn(state.shape, {
    id: refund.id,
    object: 'refund',
    amount: refund.amount,
    balance_transaction: null,
    charge: charge.id,
    created: refund.created,
    currency: 'usd',
    customer: charge.customerId,
    customer_account: null,
    destination_details: { card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' }, type: 'card' },
    ...(refund.status === 'failed' && { failure_balance_transaction: null, failure_reason: 'expired_or_canceled_card' }),
    metadata: {},
    payment_intent: charge.paymentIntentId,
    payment_method: charge.paymentMethodId,
    reason: refund.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: refund.status,
    transfer_reversal: null,
  });
}

/** A dispute as Stripe shows it. */
export function renderDispute(state: State, dispute: Dispute): StripeObject {
  const charge = recordOf(state.charges, dispute.chargeId);
  const inquiry = dispute.status.startsWith('warning_');
  const answered = !dispute.status.endsWith('needs_response');
  return shownIn(state.shape, {
    id: dispute.id,
    object: 'dispute',
    amount: dispute.amount,
    balance_transaction: null,
    balance_transactions: [],
    charge: charge.id,
    created: dispute.created,
    currency: 'usd',
    enhanced_eligibility_types: [],
    evidence: {},
    evidence_details: { due_by: dispute.created + 7 * 86_400, has_evidence: answered, past_due: false, submission_count: answered ? 1 : 0 },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: state.livemode,
    metadata: {},
    payment_intent: charge.paymentIntentId,
    payment_method_details: { card: { brand: 'visa', case_type: inquiry ? 'inquiry' : 'chargeback', network_reason_code: '10.4' }, type: 'card' },
    reason: dispute.reason,
    status: dispute.status,
  });
}

/** The refunds of a charge, newest first. */
export function refundsOf({ refunds }: State, { id }: Charge): Refund[] {
  return [...refunds.values()].filter(({ chargeId }) => chargeId === id).reverse();
}

/** What was given back of a charge: Stripe counts a refund when it is made, and takes it out again when it comes to nothing. */
export function refundedOf(state: State, charge: Charge): number {
  const standing = refundsOf(state, charge).filter(({ status }) => status !== 'failed' && status !== 'canceled');
  return standing.reduce((sum, { amount }) => sum + amount, 0);
}

/** The disputes of a charge, oldest first. */
export function disputesOf({ disputes }: State, { id }: Charge): Dispute[] {
  return [...disputes.values()].filter(({ chargeId }) => chargeId === id);
}
