import { z } from 'zod';
import { type InvoiceFact, type InvoiceLine, invoiceStatuses } from './facts.ts';
import { id, isoOf, known, priced, type Read, seconds, text, unknownShape, unknownValue } from './stripe-shapes.ts';

const subscriptionOfLine = z.looseObject({
  subscription: id,
  subscription_item: id,
  parent: z
    .looseObject({ subscription_item_details: z.looseObject({ subscription: id, subscription_item: id }).nullish() })
    .nullish(),
});

const invoiceShape = z.looseObject({
  id: z.string(),
  customer: id,
  customer_email: text,
  customer_name: text,
  status: text,
  paid: z.boolean().nullish(),
  billing_reason: text,
  created: z.number().transform(isoOf),
  subscription: id,
  parent: z.looseObject({ subscription_details: z.looseObject({ subscription: id }).nullish() }).nullish(),
  status_transitions: z.looseObject({ paid_at: seconds }).nullish(),
  lines: z.looseObject({
    data: z.array(z.looseObject({ id: z.string(), period: z.looseObject({ end: z.number() }) }).and(subscriptionOfLine).and(priced)),
  }),
});

export function readInvoice(object: unknown): Read<InvoiceFact> {
  const shape = invoiceShape.safeParse(object);
  if (!shape.success) return unknownShape('invoice', shape.error);
  const raw = shape.data;
  const status = raw.paid ? 'paid' : known(invoiceStatuses, raw.status ?? 'draft');
  if (status === null) return unknownValue('invoice status', raw.status);
  const lines = raw.lines.data.map((line): InvoiceLine & { subscriptionId: string | null } => ({
    id: line.id,
    priceId: line.priceId,
    productId: line.productId,
    periodEnd: isoOf(line.period.end),
    subscriptionItemId: line.parent?.subscription_item_details?.subscription_item ?? line.subscription_item,
    subscriptionId: line.parent?.subscription_item_details?.subscription ?? line.subscription,
  }));
  return {
    ok: true,
    fact: {
      kind: 'invoice',
      id: raw.id,
      customerId: raw.customer,
      subscriptionId:
        raw.parent?.subscription_details?.subscription ??
        raw.subscription ??
        lines.find((line) => line.subscriptionId !== null)?.subscriptionId ??
        null,
      status,
      billingReason: raw.billing_reason,
      email: raw.customer_email,
      name: raw.customer_name,
      createdAt: raw.created,
      paidAt: raw.status_transitions?.paid_at ?? null,
      lines: lines.map(({ subscriptionId: _subscriptionId, ...line }) => line),
    },
  };
}
