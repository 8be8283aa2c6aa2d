import Stripe from 'stripe';
import { AppError } from './errors.ts';

/** Where Stripe posts events to: the webhook endpoints of an account, as Stripe's API keeps them. */

export type Endpoint = { id: string; url: string; types: string[]; enabled: boolean };

export type StripeEndpoints = {
  list(): Promise<Endpoint[]>;
  /** Returns the signing secret, which Stripe tells this once. */
  create(url: string, types: readonly string[]): Promise<string>;
  /** Has an endpoint get exactly these types, and makes it work again if it was turned off. */
  update(id: string, types: readonly string[]): Promise<void>;
};

/** Our names are names of Stripe's: it refuses those that are not. */
type EventTypes = Stripe.WebhookEndpointCreateParams['enabled_events'];
const isStripes = (types: readonly string[]): types is EventTypes => types.length > 0;

export function stripeEndpointsOf(stripe: Stripe): StripeEndpoints {
  return {
    list: async () => {
      const endpoints = await told(stripe.webhookEndpoints.list({ limit: 100 }).autoPagingToArray({ limit: 1_000 }));
      return endpoints.map(({ id, url, enabled_events: types, status }) => ({ id, url, types, enabled: status === 'enabled' }));
    },
    create: async (url, types) => {
      if (!isStripes(types)) throw new Error('no event types to subscribe to');
      // Events then look the same whatever version the account was made with.
      const { secret } = await told(stripe.webhookEndpoints.create({ url, enabled_events: [...types], api_version: Stripe.API_VERSION, description: 'Tillkey' }));
      if (secret === undefined) throw new AppError('STRIPE_REFUSED', 502, 'Stripe made the endpoint and told no signing secret: its dashboard shows it.');
      return secret;
    },
    update: async (id, types) => {
      if (!isStripes(types)) throw new Error('no event types to subscribe to');
      await told(stripe.webhookEndpoints.update(id, { enabled_events: [...types], disabled: false }));
    },
  };
}

/** What Stripe says no with, plainly. */
async function told<T>(asked: Promise<T>): Promise<T> {
  return asked.catch((cause: unknown) => {
    const { StripeAuthenticationError, StripePermissionError, StripeInvalidRequestError } = Stripe.errors;
    if (cause instanceof StripeAuthenticationError) throw new AppError('STRIPE_KEY_REFUSED', 502, `Stripe does not take this API key: ${cause.message}`, { cause });
    if (cause instanceof StripePermissionError) throw new AppError('STRIPE_KEY_REFUSED', 502, `The API key may not manage webhook endpoints. Take a secret key, or a restricted one that may write them. ${cause.message}`, { cause });
    if (cause instanceof StripeInvalidRequestError) throw new AppError('STRIPE_REFUSED', 502, `Stripe refuses: ${cause.message}`, { cause });
    throw new AppError('STRIPE_UNREACHABLE', 503, `Stripe did not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
}
