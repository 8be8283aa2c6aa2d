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
  due_date: seconds,
  subscription: id,
  parent: z.looseObject({ subscription_details: z.looseObject({ subscription: id }).nullish() }).nullish(),
  status_transitions: z.looseObject({ paid_at: seconds }).nullish(),
  lines: z.looseObject({
    data: z.array(z.looseObject({ id: z.string(), amount: z.number().nullish(), period: z.looseObject({ start: z.number(), end: z.number() }) }).and(subscriptionOfLine).and(priced)),
  }),
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
      lines: raw.lines.data.map(readLine),
    },
  };
}

/** `parent` (basil on), the invoice's own field (before), else what its lines say. */
function subscriptionOf(raw: RawInvoice): string | null {
  const named = raw.parent?.subscription_details?.subscription ?? raw.subscription;
  if (named !== null) return named;
  const ofLines = raw.lines.data.map((line) => line.parent?.subscription_item_details?.subscription ?? line.subscription);
  return ofLines.find((id) => id !== null) ?? null;
}

function readLine(line: RawLine): InvoiceLine {
  return {
    id: line.id,
    priceId: line.priceId,
    productId: line.productId,
    periodStart: isoOf(line.period.start),
    periodEnd: isoOf(line.period.end),
    amount: line.amount ?? null,
    subscriptionItemId: line.parent?.subscription_item_details?.subscription_item ?? line.subscription_item,
  };
}
