import Stripe from 'stripe';

/** What Stripe's API lists, page by page: what reconciliation goes through. */

/** A part of the list of events: those just after one, or those just before one (`null`: the newest). */
type EventPlace = { after: string } | { before: string | null };

export type StripeLists = {
  /** Up to a hundred events of up to twenty types, each as Stripe would send it, oldest first. Null: Stripe no longer knows the event that names the place. */
  events(types: readonly string[], place: EventPlace): Promise<{ payloads: string[]; more: boolean } | null>;
  /** Up to a hundred subscriptions, ended ones too, newest first, each with all its items; `after` is the last one of the page before. */
  subscriptions(after: string | null): Promise<{ subscriptions: { id: string }[]; more: boolean } | null>;
};

/** Makes one request at the pace Stripe allows; null where Stripe has no such thing. */
type Read = <T>(request: () => Promise<T>) => Promise<T | null>;

const PAGE_SIZE = 100;

export function listsOf(stripe: Stripe, read: Read): StripeLists {
  return {
    events: (types, place) => read(() => listEvents(stripe, types, place)),
    subscriptions: async (after) => {
      const page = await read(() => stripe.subscriptions.list({ status: 'all', limit: PAGE_SIZE, ...(after !== null && { starting_after: after }) }));
      if (page === null) return null;
      const subscriptions: { id: string }[] = [];
      for (const subscription of page.data) subscriptions.push(await withAllItems(stripe, read, subscription));
      return { subscriptions, more: page.has_more };
    },
  };
}

async function listEvents(stripe: Stripe, types: readonly string[], place: EventPlace) {
  const cursor = 'after' in place ? { ending_before: place.after } : place.before === null ? {} : { starting_after: place.before };
  const page = await stripe.events.list({ types: [...types], limit: PAGE_SIZE, ...cursor }).catch((error: unknown) => {
    // Events are kept for thirty days; a cursor that is older names nothing, which Stripe says with a 400.
    if (error instanceof Stripe.errors.StripeError && error.code === 'resource_missing') return null;
    throw error;
  });
  return page && { payloads: page.data.map((event) => JSON.stringify(event)).reverse(), more: page.has_more };
}

/** A list shows the first items of each subscription only. */
async function withAllItems(stripe: Stripe, read: Read, subscription: Stripe.Subscription): Promise<{ id: string }> {
  if (!subscription.items.has_more) return subscription;
  const data = await read(() => stripe.subscriptionItems.list({ subscription: subscription.id, limit: PAGE_SIZE }).autoPagingToArray({ limit: 10_000 }));
  const whole = { ...subscription, items: { data: data ?? [] } };
  return whole;
}
