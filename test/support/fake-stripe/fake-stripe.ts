import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { postEvents, type Postman } from './api/post-events.ts';
import { registerEndpoint } from './api/webhook-endpoints.ts';
import { deliver, type Deliverable, type Delivery, type DeliveryOptions } from './deliver.ts';
import { createGate, type Failure } from './gate.ts';
import { stripeApi } from './routes.ts';
import type { Shape } from './shape.ts';
import { createState, type FakeEvent } from './state.ts';
import { type Verbs, verbsOf } from './verbs.ts';

/**
 * `shape`: how objects and events look (default basil). `seed`: one seed and one story make the same ids, a new one each time
 * otherwise. `webhookUrl`: an endpoint that is registered from the start, for every event, with `webhookSecret`.
 */
export type FakeStripeOptions = { port?: number; shape?: Shape; now?: () => Date; webhookSecret?: string; webhookUrl?: string; livemode?: boolean; seed?: number };

export type FakeStripe = Verbs & {
  /** What `STRIPE_API_BASE` points at. */
  readonly url: string;
  readonly webhookSecret: string;
  /** API requests so far, whatever was answered. */
  readonly requests: number;
  /** Every event so far, oldest first. */
  readonly events: readonly FakeEvent[];
  /** Registers an endpoint for every event, with this account's secret. */
  postTo(url: string): void;
  /** What was posted to registered endpoints so far, and a wait until nothing is on its way to one any more. */
  readonly deliveries: readonly Delivery[];
  delivered(): Promise<void>;
  /** The next `count` API requests are answered with this status, or never (`hang`). */
  failNext(count: number, failure: Failure): void;
  /** From now on the connections of API requests are dropped, until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Posts events to an endpoint, signed with its secret, which is this account's unless another is given. */
  deliver(events: readonly Deliverable[], target: { url: string; secret?: string }, options?: DeliveryOptions): Promise<Delivery[]>;
  close(): Promise<void>;
};

/**
 * A stand-in for Stripe on loopback, which the official SDK takes for the real one. It answers and renders in one
 * `shape` throughout, whatever `Stripe-Version` a client asks for. A live account takes live keys, a test account test keys.
 */
export async function startFakeStripe(options: FakeStripeOptions = {}): Promise<FakeStripe> {
  const { port = 0, shape = 'basil', now = () => new Date(), webhookSecret = 'whsec_fake_stripe', livemode = false } = options;
  const state = createState({ shape, now, livemode }, options.seed ?? randomInt(2 ** 32));
  const postman: Postman = postEvents(state);
  const postTo = (url: string) => void registerEndpoint(state, { url, secret: webhookSecret, types: ['*'] });
  if (options.webhookUrl !== undefined) postTo(options.webhookUrl);
  const gate = createGate();
  const server = createServer(stripeApi(state, gate)).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    ...verbsOf(state),
    url: `http://127.0.0.1:${address.port}`,
    webhookSecret,
    events: state.events,
    ...postman,
    postTo,
    get requests() {
      return gate.requests;
    },
    failNext: (count, failure) => {
      gate.failures.push(...Array.from({ length: count }, () => failure));
    },
    goAway: () => {
      gate.away = true;
    },
    comeBack: () => {
      gate.away = false;
    },
    deliver: (events, { url, secret }, how) => deliver(events, { url, secret: secret ?? webhookSecret }, how),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
