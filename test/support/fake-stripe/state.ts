import { type NewId, idsFrom } from './ids.ts';

/**
 * What the stand-in holds, free of Stripe's versions: the stories change these records and the renderers show them in
 * one shape or the other. Times are unix seconds, amounts are cents.
 */

/** acacia: 2024-12-18, the last of the old family. basil: 2025-03-31, the first of the new one. */
export type Shape = 'acacia' | 'basil';

export const apiVersions: Record<Shape, string> = { acacia: '2024-12-18.acacia', basil: '2025-03-31.basil' };

export type Interval = 'month' | 'year';
export type Period = { start: number; end: number };

export type Product = { id: string; name: string; created: number };
export type Price = { id: string; productId: string; unitAmount: number; interval: Interval | null; created: number };

export type Customer = {
  id: string;
  email: string;
  name: string | null;
  invoicePrefix: string;
  invoiceCount: number;
  created: number;
};

export type SubscriptionItem = { id: string; priceId: string; quantity: number };

export type Subscription = {
  id: string;
  customerId: string;
  status: 'incomplete' | 'trialing' | 'active' | 'past_due' | 'canceled';
  items: SubscriptionItem[];
  paymentMethodId: string;
  latestInvoiceId: string | null;
  /** The moment whose day of the month every later period starts on. */
  anchor: number;
  period: Period;
  trial: Period | null;
  cancelAtPeriodEnd: boolean;
  canceledAt: number | null;
  endedAt: number | null;
  created: number;
};

export type InvoiceLine = {
  id: string;
  priceId: string;
  quantity: number;
  amount: number;
  description: string;
  period: Period;
  subscriptionItemId: string;
};

export type Invoice = {
  id: string;
  customerId: string;
  subscriptionId: string;
  status: 'draft' | 'open' | 'paid';
  billingReason: 'subscription_create' | 'subscription_cycle' | 'subscription_update';
  lines: InvoiceLine[];
  /** The period before the one the lines pay for: Stripe's invoice looks back. */
  period: Period;
  number: string | null;
  paymentIntentId: string | null;
  attemptCount: number;
  nextAttempt: number | null;
  finalizedAt: number | null;
  paidAt: number | null;
  created: number;
};

export type PaymentIntent = {
  id: string;
  amount: number;
  customerId: string | null;
  email: string;
  invoiceId: string | null;
  status: 'requires_payment_method' | 'processing' | 'succeeded';
  paymentMethodId: string;
  latestChargeId: string | null;
  created: number;
};

export type Charge = { id: string; paymentIntentId: string; succeeded: boolean; created: number };

export type LineItem = { id: string; priceId: string; quantity: number };

export type CheckoutSession = {
  id: string;
  mode: 'payment' | 'subscription';
  customerId: string | null;
  customerCreation: 'always' | 'if_required' | null;
  email: string;
  name: string | null;
  lineItems: LineItem[];
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  paymentIntentId: string | null;
  subscriptionId: string | null;
  invoiceId: string | null;
  created: number;
};

/** An object as Stripe's API shows it. */
export type StripeObject = { id: string; object: string; [name: string]: unknown };

/** A snapshot event, as Stripe lists and posts it. */
export type FakeEvent = {
  id: string;
  object: 'event';
  api_version: string;
  created: number;
  data: { object: StripeObject; previous_attributes?: Record<string, unknown> };
  livemode: boolean;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
};

export type State = {
  shape: Shape;
  livemode: boolean;
  now: () => Date;
  newId: NewId;
  accountId: string;
  products: Map<string, Product>;
  prices: Map<string, Price>;
  customers: Map<string, Customer>;
  subscriptions: Map<string, Subscription>;
  invoices: Map<string, Invoice>;
  paymentIntents: Map<string, PaymentIntent>;
  charges: Map<string, Charge>;
  sessions: Map<string, CheckoutSession>;
  /** Oldest first. */
  events: FakeEvent[];
};

export function createState(settings: Pick<State, 'shape' | 'livemode' | 'now'>, seed: number): State {
  const newId = idsFrom(seed);
  return {
    ...settings,
    newId,
    accountId: newId('account'),
    products: new Map(),
    prices: new Map(),
    customers: new Map(),
    subscriptions: new Map(),
    invoices: new Map(),
    paymentIntents: new Map(),
    charges: new Map(),
    sessions: new Map(),
    events: [],
  };
}

/** The record a story needs. A story that names one which is not there is a mistake in the test. */
export function recordOf<Kept>(records: Map<string, Kept>, id: string): Kept {
  const record = records.get(id);
  if (record === undefined) throw new Error(`the stand-in for Stripe holds no ${id}`);
  return record;
}
