import { z } from 'zod';
import { pauseBehaviors, type SubscriptionFact, type SubscriptionItem, subscriptionStatuses } from './facts.ts';
import { finding } from './outcome.ts';
import { id, known, moment, priced, quantity, type Read, seconds, text, unknownShape, unknownValue } from './stripe-shapes.ts';

const period = { current_period_start: seconds, current_period_end: seconds };

/** How a price bills: for what was used, when a period is over, or before it. */
const usage = {
  price: z.union([z.string(), z.looseObject({ recurring: z.looseObject({ usage_type: text }).nullish() })]).nullish(),
  plan: z.looseObject({ usage_type: text }).nullish(),
};

const subscriptionShape = z.looseObject({
  id: z.string(),
  customer: id,
  status: z.string(),
  items: z.looseObject({ has_more: z.boolean().nullish(), data: z.array(z.looseObject({ id: z.string(), quantity, ...period, ...usage }).and(priced)) }),
  ...period,
  collection_method: text,
  cancel_at: seconds,
  cancel_at_period_end: z.boolean().nullish(),
  canceled_at: seconds,
  ended_at: seconds,
  trial_end: seconds,
  pause_collection: z.looseObject({ behavior: z.string() }).nullish(),
});

type RawSubscription = z.output<typeof subscriptionShape>;

export function readSubscription(object: unknown): Read<SubscriptionFact> {
  const shape = subscriptionShape.safeParse(object);
  if (!shape.success) return unknownShape('subscription', shape.error);
  const raw = shape.data;
  const status = known(subscriptionStatuses, raw.status);
  if (status === null) return unknownValue('subscription status', raw.status);
  const pauseBehavior = raw.pause_collection ? known(pauseBehaviors, raw.pause_collection.behavior) : null;
  if (raw.pause_collection && pauseBehavior === null) return unknownValue('subscription pause_collection', raw.pause_collection.behavior);
  const items = readItems(raw);
  if (items === null) return { ok: false, finding: finding('shape_unknown', 'subscription without a period') };
  return {
    ok: true,
    fact: {
      kind: 'subscription',
      id: raw.id,
      customerId: raw.customer,
      status,
      items,
      partial: raw.items.has_more ?? false,
      sendsInvoice: raw.collection_method === 'send_invoice',
      cancelAt: raw.cancel_at,
      cancelAtPeriodEnd: raw.cancel_at_period_end ?? false,
      endedAt: raw.ended_at ?? (status === 'canceled' ? raw.canceled_at : null),
      trialEnd: raw.trial_end,
      pauseBehavior,
    },
  };
}

/** The items, each with its period: its own (basil on) or the subscription's (before). Null when neither is told. */
function readItems(raw: RawSubscription): SubscriptionItem[] | null {
  const items: SubscriptionItem[] = [];
  for (const { id, priceId, productId, quantity: count, ...item } of raw.items.data) {
    const periodStart = item.current_period_start ?? raw.current_period_start;
    const periodEnd = item.current_period_end ?? raw.current_period_end;
    if (periodStart === null || periodEnd === null) return null;
    items.push({ id, priceId, productId, quantity: count ?? 1, periodStart, periodEnd, metered: isMetered(item) });
  }
  return items;
}

function isMetered({ price, plan }: Pick<RawSubscription['items']['data'][number], 'price' | 'plan'>): boolean {
  const recurring = price !== null && typeof price === 'object' ? price.recurring : null;
  return (recurring ?? plan)?.usage_type === 'metered';
}

const begun = z.looseObject({ created: moment });

/** When a subscription was begun; long ago, where it does not say. */
export function createdAtOf(object: unknown): Date {
  const read = begun.safeParse(object);
  return new Date(read.success ? read.data.created : 0);
}
