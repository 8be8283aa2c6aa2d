import { z } from 'zod';
import { type CheckoutSessionFact, type LineItem, paymentStatuses } from './facts.ts';
import { finding } from './outcome.ts';
import { amount, id, known, priced, quantity, type Read, text, unknownShape, unknownValue } from './stripe-shapes.ts';

const checkoutSessionShape = z.looseObject({
  id: z.string(),
  mode: text,
  payment_status: text,
  customer: id,
  customer_email: text,
  customer_details: z.looseObject({ email: text, name: text }).nullish(),
  subscription: id,
  invoice: id,
  payment_intent: id,
  amount_total: amount.nullish(),
  line_items: z.looseObject({ data: z.array(z.looseObject({ id: z.string(), quantity }).and(priced)), has_more: z.boolean().nullish() }).nullish(),
});

export function readCheckoutSession(object: unknown): Read<CheckoutSessionFact> {
  const shape = checkoutSessionShape.safeParse(object);
  if (!shape.success) return unknownShape('checkout session', shape.error);
  const raw = shape.data;
  if (raw.mode === 'setup') return { ok: false, finding: finding('setup_session') };
  const mode = known(['payment', 'subscription'] as const, raw.mode);
  if (mode === null) return unknownValue('checkout session mode', raw.mode);
  const paymentStatus = known(paymentStatuses, raw.payment_status);
  if (paymentStatus === null) return unknownValue('checkout session payment_status', raw.payment_status);
  return {
    ok: true,
    fact: {
      kind: 'checkout_session',
      id: raw.id,
      customerId: raw.customer,
      subscriptionId: raw.subscription,
      invoiceId: raw.invoice,
      paymentIntentId: raw.payment_intent,
      amountTotal: raw.amount_total ?? null,
      mode,
      paymentStatus,
      email: raw.customer_details?.email ?? raw.customer_email,
      name: raw.customer_details?.name ?? null,
      lineItems: raw.line_items && !raw.line_items.has_more ? raw.line_items.data.map(readLineItem) : null,
    },
  };
}

function readLineItem({ id: name, priceId, productId, quantity: count }: { id: string; priceId: string | null; productId: string | null; quantity?: number | null | undefined }): LineItem {
  return { id: name, priceId, productId, quantity: count ?? 1 };
}
