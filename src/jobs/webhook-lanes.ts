import { setTimeout } from 'node:timers/promises';
import { deliverNext, type DeliverDependencies } from './deliver-webhooks.ts';

/**
 * Each endpoint has a lane of its own: deliveries of one endpoint wait for one another, and for nobody else's. A wake returns at once, so that an endpoint that
 * hangs holds no place in the queue either.
 */
export type WebhookLanes = {
  /** Has whatever is due for the endpoint delivered. */
  wake(endpointId: string): void;
  /** Begins no further delivery, and waits for those under way, but not for long: one that is cut off is repeated. */
  close(): Promise<void>;
};

/** Deliveries of one endpoint that are under way at once. */
const MOST_AT_ONCE = 5;
/** How long deliveries in flight may take once we stop. */
const CLOSE_MS = 10_000;

export function createWebhookLanes(dependencies: DeliverDependencies): WebhookLanes {
  const lanes = new Map<string, Lane>();
  let closed = false;
  const next = async (endpointId: string, onClaimed: () => void) => {
    if (closed) return false;
    return deliverNext(dependencies, endpointId, onClaimed).catch((error: Error) => {
      dependencies.log.error({ endpointId, error: error.message }, 'webhooks not delivered; they are still due');
      return false;
    });
  };
  return {
    wake: (endpointId) => {
      const lane = lanes.get(endpointId) ?? createLane((onClaimed) => next(endpointId, onClaimed));
      lanes.set(endpointId, lane);
      lane.wake();
    },
    close: async () => {
      closed = true;
      const underWay = [...lanes.values()].flatMap(({ runners }) => [...runners]);
      await Promise.race([Promise.all(underWay), setTimeout(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

type Lane = { wake(): void; runners: ReadonlySet<Promise<void>> };

/** `next` does one delivery, saying when it has one in hand, and is false when there is none: with each in hand another runner looks for one. */
function createLane(next: (onClaimed: () => void) => Promise<boolean>): Lane {
  const runners = new Set<Promise<void>>();
  let wakes = 0;
  const run = async () => {
    let seen: number;
    do {
      // Who found nothing while somebody woke the lane may have looked too early.
      seen = wakes;
      while (await next(begin));
    } while (wakes !== seen);
  };
  const begin = () => {
    if (runners.size >= MOST_AT_ONCE) return;
    const runner = run().finally(() => runners.delete(runner));
    runners.add(runner);
  };
  return { wake: () => { wakes += 1; begin(); }, runners };
}
