import { badParameter } from '../api-error.ts';
import { moveDispute } from '../dispute.ts';
import { renderDispute } from '../render-refund.ts';
import type { Dispute, DisputeStatus, StripeObject } from '../state.ts';
import { requestedStep } from '../step.ts';
import { flagOf, type Params, partOf, textOf } from './params.ts';
import { type Call, find, type Kind, readRoutes, type Route, shown } from './route.ts';
import { update } from './tell.ts';

const kind: Kind<Dispute> = {
  path: '/v1/disputes',
  noun: 'dispute',
  param: 'dispute',
  records: ({ disputes }) => disputes,
  render: renderDispute,
  filters: ['charge', 'payment_intent'],
};

export const disputeRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: '/v1/disputes/:id', answer: change },
  { method: 'post', path: '/v1/disputes/:id/close', answer: close },
];

const isOpen = ({ status }: Dispute) => status === 'needs_response' || status === 'warning_needs_response';

function change(call: Call): StripeObject {
  const { state, params } = call;
  const dispute = find(call, kind);
  const step = requestedStep(state);
  const verdict = verdictIn(params, dispute);
  if (verdict === null) update(step, { type: 'charge.dispute.updated', id: dispute.id, render: () => renderDispute(state, dispute), params });
  else moveDispute(step, dispute, verdict);
  return shown(state, kind, dispute);
}

/** Evidence that is sent in: Stripe's test texts decide at once. */
function verdictIn(params: Params, { status }: Dispute): DisputeStatus | null {
  if (flagOf(params, 'submit') === false || params['evidence'] === undefined) return null;
  const inquiry = status.startsWith('warning_');
  const verdicts: Record<string, DisputeStatus> = inquiry ? { winning_evidence: 'warning_closed', losing_evidence: 'warning_closed' } : { winning_evidence: 'won', losing_evidence: 'lost' };
  const words = textOf(partOf(params, 'evidence'), 'uncategorized_text') ?? '';
  return verdicts[words] ?? (inquiry ? 'warning_under_review' : 'under_review');
}

/** To close a dispute is to give it up. */
function close(call: Call): StripeObject {
  const { state } = call;
  const dispute = find(call, kind);
  if (!isOpen(dispute)) throw badParameter('dispute', 'This dispute is already closed.');
  moveDispute(requestedStep(state), dispute, dispute.status === 'needs_response' ? 'lost' : 'warning_closed');
  return shown(state, kind, dispute);
}
