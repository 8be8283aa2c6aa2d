import { z } from 'zod';
import { type ChargeFact, type DisputeFact, disputeStatuses, type InvoicePaymentFact, type RefundFact, refundStatuses } from './facts.ts';
import { amount, id, known, type Read, text, unknownShape, unknownValue } from './stripe-shapes.ts';

/** Readers of what tells of money: charges, refunds, disputes, and which payment paid which invoice. */

const refundShape = z.looseObject({ id: z.string(), charge: id, payment_intent: id, amount, status: text });

export function readRefund(object: unknown): Read<RefundFact> {
  const shape = refundShape.safeParse(object);
  if (!shape.success) return unknownShape('refund', shape.error);
  const { id: name, charge, payment_intent, amount: cents, status } = shape.data;
  // Refunds of long ago have no status: they succeeded at once.
  const read = known(refundStatuses, status ?? 'succeeded');
  if (read === null) return unknownValue('refund status', status);
  return { ok: true, fact: { kind: 'refund', id: name, chargeId: charge, paymentIntentId: payment_intent, amount: cents, status: read } };
}

const chargeShape = z.looseObject({
  id: z.string(),
  customer: id,
  payment_intent: id,
  invoice: id,
  amount,
  amount_captured: amount.nullish(),
  amount_refunded: amount,
  refunds: z.looseObject({ data: z.array(refundShape), has_more: z.boolean().nullish() }).nullish(),
});

export function readCharge(object: unknown): Read<ChargeFact> {
  const shape = chargeShape.safeParse(object);
  if (!shape.success) return unknownShape('charge', shape.error);
  const raw = shape.data;
  const refunds = (raw.refunds?.data ?? []).map(readRefund).flatMap((read) => (read.ok ? [read.fact] : []));
  const all = raw.refunds != null && raw.refunds.has_more !== true && refunds.length === raw.refunds.data.length;
  return {
    ok: true,
    fact: {
      kind: 'charge',
      id: raw.id,
      customerId: raw.customer,
      paymentIntentId: raw.payment_intent,
      invoiceId: raw.invoice,
      // What was authorized and not captured was never paid.
      amount: raw.amount_captured || raw.amount,
      amountRefunded: raw.amount_refunded,
      refunds: all ? refunds.map(({ id: name, amount: cents, status }) => ({ id: name, amount: cents, status })) : null,
    },
  };
}

const disputeShape = z.looseObject({ id: z.string(), charge: id, payment_intent: id, status: text });

export function readDispute(object: unknown): Read<DisputeFact> {
  const shape = disputeShape.safeParse(object);
  if (!shape.success) return unknownShape('dispute', shape.error);
  const { id: name, charge, payment_intent, status } = shape.data;
  const read = known(disputeStatuses, status);
  if (read === null) return unknownValue('dispute status', status);
  return { ok: true, fact: { kind: 'dispute', id: name, chargeId: charge, paymentIntentId: payment_intent, status: read } };
}

/** The payment of an invoice: as `payments` of an invoice shows it, and as `GET /v1/invoice_payments` does. */
export const invoicePaymentShape = z.looseObject({
  id: z.string(),
  invoice: id,
  status: text,
  payment: z.looseObject({ payment_intent: id, charge: id }),
});

export function readInvoicePayment(object: unknown): Read<InvoicePaymentFact> {
  const shape = invoicePaymentShape.safeParse(object);
  if (!shape.success || shape.data.invoice === null) return unknownShape('invoice payment', shape.error);
  const { id: name, invoice, payment } = shape.data;
  return { ok: true, fact: { kind: 'invoice_payment', id: name, invoiceId: invoice, chargeId: payment.charge, paymentIntentId: payment.payment_intent } };
}
