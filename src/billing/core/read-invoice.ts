import { z } from 'zod';
import { type InvoiceFact, type InvoiceLine, invoiceStatuses } from './facts.ts';
import { invoicePaymentShape } from './read-money.ts';
import { amount, id, known, moment, priced, quantity, type Read, seconds, text, unknownShape, unknownValue } from './stripe-shapes.ts';

const lineShape = z
  .looseObject({
    id: z.string(),
    amount: amount.nullish(),
    quantity,
    period: z.looseObject({ start: moment, end: moment }),
    subscription: id,
    subscription_item: id,
    proration: z.boolean().nullish(),
    parent: z
      .looseObject({
        subscription_item_details: z.looseObject({ subscription: id, subscription_item: id, proration: z.boolean().nullish() }).nullish(),
        invoice_item_details: z.looseObject({ subscription: id, proration: z.boolean().nullish() }).nullish(),
      })
      .nullish(),
  })
  .and(priced);

const invoiceShape = z.looseObject({
  id: z.string(),
  customer: id,
  customer_email: text,
  customer_name: text,
  status: text,
  paid: z.boolean().nullish(),
  billing_reason: text,
  created: moment,
  due_date: seconds,
  subscription: id,
  parent: z.looseObject({ subscription_details: z.looseObject({ subscription: id }).nullish() }).nullish(),
  status_transitions: z.looseObject({ paid_at: seconds }).nullish(),
  amount_paid: amount.nullish(),
  hosted_invoice_url: text,
  charge: id,
  payment_intent: id,
  payments: z.looseObject({ data: z.array(invoicePaymentShape) }).nullish(),
  lines: z.looseObject({ data: z.array(lineShape), has_more: z.boolean().nullish() }),
});

type RawInvoice = z.output<typeof invoiceShape>;
type RawLine = RawInvoice['lines']['data'][number];

export function readInvoice(object: unknown): Read<InvoiceFact> {
  const shape = invoiceShape.safeParse(object);
  if (!shape.success) return unknownShape('invoice', shape.error);
  const raw = shape.data;
  const status = raw.paid ? 'paid' : known(invoiceStatuses, raw.status ?? 'draft');
  if (status === null) return unknownValue('invoice status', raw.status);
  return {
    ok: true,
    fact: {
      kind: 'invoice',
      id: raw.id,
      customerId: raw.customer,
      subscriptionId: subscriptionOf(raw),
      status,
      billingReason: raw.billing_reason,
      email: raw.customer_email,
      name: raw.customer_name,
      createdAt: raw.created,
      dueAt: raw.due_date,
      paidAt: raw.status_transitions?.paid_at ?? null,
      amountPaid: raw.amount_paid ?? null,
      hostedUrl: raw.hosted_invoice_url,
      paymentIds: paymentsOf(raw),
      partial: raw.lines.has_more ?? false,
      lines: raw.lines.data.map(readLine),
    },
  };
}

/** `parent` (basil on), the invoice's own field (before), else what its lines say. */
function subscriptionOf(raw: RawInvoice): string | null {
  const named = raw.parent?.subscription_details?.subscription ?? raw.subscription;
  if (named !== null) return named;
  const ofLines = raw.lines.data.map(({ parent, subscription }) => parent?.subscription_item_details?.subscription ?? parent?.invoice_item_details?.subscription ?? subscription);
  return ofLines.find((id) => id !== null) ?? null;
}

/** `payments` (basil on, where expanded), else the invoice's own fields (before). An attempt that failed paid nothing. */
function paymentsOf({ payments, charge, payment_intent }: RawInvoice): string[] {
  const listed = payments?.data.filter(({ status }) => status === 'paid').flatMap(({ payment }) => [payment.payment_intent, payment.charge]);
  return [...new Set(listed ?? [payment_intent, charge])].filter((name) => name !== null);
}

function readLine(line: RawLine): InvoiceLine {
  const { subscription_item_details: ofItem, invoice_item_details: ofInvoiceItem } = line.parent ?? {};
  return {
    id: line.id,
    priceId: line.priceId,
    productId: line.productId,
    periodStart: line.period.start,
    periodEnd: line.period.end,
    quantity: line.quantity ?? 1,
    amount: line.amount ?? null,
    proration: (ofItem ?? ofInvoiceItem ?? line).proration ?? false,
    subscriptionItemId: ofItem?.subscription_item ?? line.subscription_item,
  };
}
