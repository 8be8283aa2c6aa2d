import { shuffled } from './random.ts';
import { signPayload } from './sign-payload.ts';
import type { FakeEvent } from './state.ts';

/** A webhook endpoint. */
export type Target = { url: string; secret: string };

/** How Stripe's deliveries misbehave: out of order (an order that `seed` decides), more than once each, several at once. */
export type DeliveryOptions = { shuffle?: boolean; seed?: number; duplicate?: number; concurrency?: number };

/** What the endpoint answered. */
export type Delivery = { eventId: string; status: number; body: string };

/** Posts events to an endpoint, signed as Stripe signs them. The answers stand in the order of the posts. */
export async function deliver(
  events: readonly FakeEvent[],
  target: Target,
  { shuffle = false, seed = 1, duplicate = 1, concurrency = 1 }: DeliveryOptions = {},
): Promise<Delivery[]> {
  const repeated = events.flatMap((event) => Array.from({ length: duplicate }, () => event));
  const posts = (shuffle ? shuffled(repeated, seed) : repeated).entries();
  const deliveries: Delivery[] = [];
  // The lanes share one iterator: each takes the next post when it is free.
  const lane = async () => {
    for (const [place, event] of posts) deliveries[place] = await post(event, target);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return deliveries;
}

async function post(event: FakeEvent, { url, secret }: Target): Promise<Delivery> {
  const body = JSON.stringify(event, null, 2);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': signPayload(body, secret),
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
  };
  const response = await fetch(url, { method: 'POST', headers, body });
  return { eventId: event.id, status: response.status, body: await response.text() };
}
