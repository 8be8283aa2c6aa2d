import { shuffled } from './random.ts';
import { signPayload } from './sign-payload.ts';
import type { FakeEvent } from './state.ts';
import type { ThinEvent } from './thin-event.ts';

/** A webhook endpoint. */
export type Target = { url: string; secret: string };

/** What is posted: a snapshot event or its thin twin. */
export type Deliverable = FakeEvent | ThinEvent;

/**
 * How Stripe's deliveries misbehave: backwards, or out of order (an order that `seed` decides), more than once each,
 * several at once, some only after all others were answered (`delay`), some never (`drop`).
 */
export type DeliveryOptions = {
  reverse?: boolean;
  shuffle?: boolean;
  seed?: number;
  duplicate?: number;
  concurrency?: number;
  delay?: (event: Deliverable) => boolean;
  drop?: (event: Deliverable) => boolean;
};

/** What the endpoint answered. */
export type Delivery = { eventId: string; status: number; body: string };

/** Posts events to an endpoint, signed as Stripe signs them. The answers stand in the order of the posts. */
export async function deliver(events: readonly Deliverable[], target: Target, options: DeliveryOptions = {}): Promise<Delivery[]> {
  const { delay = () => false, drop = () => false, concurrency = 1 } = options;
  const kept = ordered(events.filter((event) => !drop(event)), options);
  const [late, prompt] = [kept.filter(delay), kept.filter((event) => !delay(event))];
  return [...(await postAll(prompt, target, concurrency)), ...(await postAll(late, target, concurrency))];
}

function ordered(events: Deliverable[], { reverse = false, shuffle = false, seed = 1, duplicate = 1 }: DeliveryOptions): Deliverable[] {
  const repeated = (reverse ? events.toReversed() : events).flatMap((event) => Array.from({ length: duplicate }, () => event));
  return shuffle ? shuffled(repeated, seed) : repeated;
}

async function postAll(events: Deliverable[], target: Target, concurrency: number): Promise<Delivery[]> {
  const posts = events.entries();
  const deliveries: Delivery[] = [];
  // The lanes share one iterator: each takes the next post when it is free.
  const lane = async () => {
    for (const [place, event] of posts) deliveries[place] = await post(event, target);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return deliveries;
}

async function post(event: Deliverable, { url, secret }: Target): Promise<Delivery> {
  const body = JSON.stringify(event, null, 2);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': signPayload(body, secret),
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
  };
  const response = await fetch(url, { method: 'POST', headers, body });
  return { eventId: event.id, status: response.status, body: await response.text() };
}
