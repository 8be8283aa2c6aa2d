import { setTimeout as wait } from 'node:timers/promises';
import { deliver, type Delivery, type Target } from '../deliver.ts';
import type { FakeEvent, State } from '../state.ts';
import { endpointsFor } from './webhook-endpoints.ts';

/** How often an event is posted in all to an endpoint that answers 5xx or not at all. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 20;

/** What was posted so far, in the order of the answers, and a wait for all that is on its way. */
export type Postman = { deliveries: readonly Delivery[]; delivered(): Promise<void> };

/** Posts each event as it is emitted to the endpoints that take its type, several at once as Stripe does. */
export function postEvents(state: State): Postman {
  const deliveries: Delivery[] = [];
  const underWay = new Set<Promise<void>>();
  state.onEvent = (event) => {
    for (const target of endpointsFor(state, event.type)) {
      const post = postUntilTaken(event, target, deliveries).finally(() => underWay.delete(post));
      underWay.add(post);
    }
  };
  const delivered = async () => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  return { deliveries, delivered };
}

async function postUntilTaken(event: FakeEvent, target: Target, deliveries: Delivery[]): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) await wait(FIRST_PAUSE_MS * 2 ** attempt);
    const delivery = await postOnce(event, target);
    deliveries.push(delivery);
    if (delivery.status < 500) return;
  }
}

/** An endpoint that cannot be reached counts as one that failed. */
async function postOnce(event: FakeEvent, target: Target): Promise<Delivery> {
  try {
    const [delivery] = await deliver([event], target);
    if (delivery) return delivery;
    throw new Error('nothing was posted');
  } catch (error) {
    return { eventId: event.id, status: 599, body: String(error) };
  }
}
