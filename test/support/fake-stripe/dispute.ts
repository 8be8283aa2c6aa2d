import { renderCharge } from './render-payment.ts';
import { disputesOf, renderDispute } from './render-refund.ts';
import { type Charge, type Dispute, type DisputeStatus, recordOf } from './state.ts';
import { emit, emitChange, type Step } from './step.ts';

const closed: DisputeStatus[] = ['won', 'lost', 'warning_closed', 'prevented'];

/** The buyer's bank takes the money back, or (`warning_…`) only asks about it. */
export function openDispute(step: Step, charge: Charge, { status = 'needs_response', amount = charge.amount }: Partial<Pick<Dispute, 'status' | 'amount'>> = {}): Dispute {
  const { state, at } = step;
  const before = renderCharge(state, charge);
  const dispute: Dispute = { id: state.newId('dispute'), chargeId: charge.id, amount, status, reason: 'fraudulent', created: at };
  state.disputes.set(dispute.id, dispute);
  emit(step, 'charge.dispute.created', renderDispute(state, dispute));
  if (disputesOf(state, charge).length === 1) emit(step, 'charge.updated', renderCharge(state, charge), before);
  if (!status.startsWith('warning_')) emit(step, 'charge.dispute.funds_withdrawn', renderDispute(state, dispute));
  return dispute;
}

/** A dispute moves on: answered, escalated, or closed. */
export function moveDispute(step: Step, dispute: Dispute, status: DisputeStatus): void {
  const escalated = dispute.status.startsWith('warning_') && !status.startsWith('warning_');
  emitChange(step, [closed.includes(status) ? 'charge.dispute.closed' : 'charge.dispute.updated'], [dispute, renderDispute], { status });
  const funds = status === 'won' ? 'reinstated' : escalated ? 'withdrawn' : null;
  if (funds !== null) emit(step, `charge.dispute.funds_${funds}`, renderDispute(step.state, recordOf(step.state.disputes, dispute.id)));
}
