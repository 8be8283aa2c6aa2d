import type { BillingReason, BillingState } from '../../licensing/core/billing.ts';
import type { ChargeFact, CheckoutSessionFact, InvoiceFact, MoneyFact, RefundFact } from './facts.ts';
import { stageOfRefund } from './last-truth.ts';
import type { Mapping } from './mapping.ts';
import { namesOf } from './names.ts';
import type { Known } from './sighting.ts';

/** Money that goes back: what refunds and disputes of a payment do to the licenses it paid for. */

/** What became of the money that paid an invoice or a checkout session. */
export type Reversal = { refunded: boolean; disputed: boolean; lost: boolean };

type Paid = Known<InvoiceFact> | Known<CheckoutSessionFact>;

export function reversalOf({ fact }: Paid, money: Known<MoneyFact>[]): Reversal {
  const linked = linkedTo(namesOf(fact).paymentIds, money);
  const statuses = linked.map(({ fact: told }) => (told.kind === 'dispute' ? told.status : null));
  return {
    refunded: isRefunded(fact, linked),
    disputed: statuses.some((status) => status === 'needs_response' || status === 'under_review'),
    lost: statuses.includes('lost'),
  };
}

/** Several reversals of what paid for one license. */
export function eitherOf(reversals: Reversal[]): Reversal {
  return {
    refunded: reversals.some(({ refunded }) => refunded),
    disputed: reversals.some(({ disputed }) => disputed),
    lost: reversals.some(({ lost }) => lost),
  };
}

/** What a reversal does to a license under its mapping; null: nothing. */
export function consequenceOf({ refunded, disputed, lost }: Reversal, { onFullRefund, onDispute }: Mapping): { state: BillingState; reason: BillingReason } | null {
  if (lost) return { state: 'REVOKED', reason: 'DISPUTED' };
  if (refunded && onFullRefund === 'REVOKE') return { state: 'REVOKED', reason: 'REFUNDED' };
  if (disputed && onDispute === 'SUSPEND') return { state: 'SUSPENDED', reason: 'DISPUTED' };
  if (refunded && onFullRefund === 'SUSPEND') return { state: 'SUSPENDED', reason: 'REFUNDED' };
  return null;
}

/** The facts that speak of these payments, directly or through one another. */
function linkedTo(paymentIds: string[], money: Known<MoneyFact>[]): Known<MoneyFact>[] {
  const names = new Set(paymentIds);
  const linked = money.filter(({ fact }) => namesOf(fact).paymentIds.some((id) => names.has(id)));
  const reached = new Set([...names, ...linked.flatMap(({ fact }) => namesOf(fact).paymentIds)]);
  return reached.size === names.size ? linked : linkedTo([...reached], money);
}

/** Whether all that was paid went back. What several payments paid for is refunded when each of them is. */
function isRefunded(paid: InvoiceFact | CheckoutSessionFact, linked: Known<MoneyFact>[]): boolean {
  const charges = chargesOf(linked);
  const refunded = charges.filter((charge) => isWholly(refundedAmount(charge), charge.told?.fact.amount ?? amountOf(paid)));
  const payments = paymentsOf(paid, linked);
  return refunded.length > 0 && (payments.length <= 1 || payments.every((id) => refunded.some(({ ids }) => ids.includes(id))));
}

function isWholly(part: number, whole: number | null): boolean {
  return whole !== null && part > 0 && part >= whole;
}

function amountOf(paid: InvoiceFact | CheckoutSessionFact): number | null {
  return paid.kind === 'invoice' ? paid.amountPaid : paid.amountTotal;
}

/** The payment intents that paid, or the charges where there are none. */
function paymentsOf(paid: InvoiceFact | CheckoutSessionFact, linked: Known<MoneyFact>[]): string[] {
  const told = paid.kind === 'invoice' ? paid.paymentIds : [paid.paymentIntentId].filter((id) => id !== null);
  const links = linked.flatMap(({ fact }) => (fact.kind === 'invoice_payment' ? (fact.paymentIntentId ?? fact.chargeId ?? []) : []));
  const ids = [...new Set([...told, ...links])];
  const intents = ids.filter((id) => id.startsWith('pi_'));
  return intents.length > 0 ? intents : ids;
}

/** A charge as far as it is known: by itself, or only by its refunds. */
type Charge = { ids: string[]; told: Known<ChargeFact> | null; refunds: Known<RefundFact>[] };

function chargesOf(linked: Known<MoneyFact>[]): Charge[] {
  const charges = new Map<string, Charge>();
  for (const { fact, ...seen } of linked) {
    if (fact.kind !== 'charge' && fact.kind !== 'refund') continue;
    const id = fact.kind === 'charge' ? fact.id : (fact.chargeId ?? fact.paymentIntentId ?? fact.id);
    const charge = charges.get(id) ?? { ids: [], told: null, refunds: [] };
    charge.ids.push(...namesOf(fact).paymentIds);
    if (fact.kind === 'charge') charge.told = { fact, ...seen };
    else charge.refunds.push({ fact, ...seen });
    charges.set(id, charge);
  }
  return [...charges.values()];
}

/**
 * How much of a charge went back, by the refunds that succeeded. Where the charge does not show them all, its own sum counts
 * too, less the refunds known to be pending, or to have failed since.
 */
function refundedAmount({ told, refunds }: Charge): number {
  const listed = told?.fact.refunds ?? null;
  const known = mergeRefunds(listed ?? [], refunds.map(({ fact }) => fact));
  const succeeded = sum(known.filter(({ status }) => status === 'succeeded'));
  if (told === null || listed !== null) return succeeded;
  const failedSince = new Set(refunds.filter(({ asOf }) => asOf >= told.asOf).map(({ fact }) => fact.id));
  const notBack = known.filter(({ id, status }) => stageOfRefund(status) === 0 || (stageOfRefund(status) === 2 && failedSince.has(id)));
  return Math.max(succeeded, told.fact.amountRefunded - sum(notBack));
}

type Refund = Pick<RefundFact, 'id' | 'amount' | 'status'>;

/** One entry a refund: whichever is further along. */
function mergeRefunds(listed: Refund[], told: Refund[]): Refund[] {
  const merged = new Map(listed.map((refund) => [refund.id, refund]));
  for (const refund of told) {
    const other = merged.get(refund.id);
    if (!other || stageOfRefund(refund.status) > stageOfRefund(other.status)) merged.set(refund.id, refund);
  }
  return [...merged.values()];
}

function sum(refunds: Refund[]): number {
  return refunds.reduce((total, { amount }) => total + amount, 0);
}
