import { type NewId, idsFrom } from './ids.ts';
import type { Shape } from './shape.ts';

/**
 * What the stand-in holds, free of Stripe's versions: what happens changes these records, and the renderers show them in
 * one shape or another. Times are unix seconds, amounts are cents.
 */

export type Interval = 'month' | 'year';
export type Period = { start: number; end: number };

export type Product = { id: string; name: string; created: number };
export type Price = { id: string; productId: string; unitAmount: number; interval: Interval | null; created: number };

export type Customer = {
  id: string;
  email: string | null;
  name: string | null;
  /** What the customer owes (positive) or is owed (negative) besides any invoice. */
  balance: number;
  deleted: boolean;
  invoicePrefix: string;
  invoiceCount: number;
  created: number;
};

export type SubscriptionItem = { id: string; priceId: string; quantity: number };

/** What takes effect once its invoice is paid, and lapses if that does not happen in time. */
type PendingUpdate = { items: SubscriptionItem[]; invoiceId: string; expiresAt: number };

export type Collection = 'charge_automatically' | 'send_invoice';

export type Subscription = {
  id: string;
  customerId: string;
  status: 'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'unpaid' | 'paused' | 'canceled';
  items: SubscriptionItem[];
  collection: Collection;
  paymentMethodId: string | null;
  latestInvoiceId: string | null;
  /** The moment whose day of the month every later period starts on. */
  anchor: number;
  period: Period;
  trial: Period | null;
  /** Percent off every invoice. */
  percentOff: number;
  pauseCollection: 'void' | 'keep_as_draft' | 'mark_uncollectible' | null;
  pendingUpdate: PendingUpdate | null;
  cancelAt: number | null;
  cancelAtPeriodEnd: boolean;
  canceledAt: number | null;
  endedAt: number | null;
  created: number;
};

/** What a line of an invoice, or an item that waits to become one, is for. */
export type Billed = {
  /** Null: an amount that no price stands for. */
  priceId: string | null;
  quantity: number;
  amount: number;
  description: string;
  period: Period;
  proration: boolean;
  subscriptionItemId: string | null;
};

/** `invoiceItemId`: the item it was made of; null for what a subscription is billed by itself. */
export type InvoiceLine = Billed & { id: string; discount: number; invoiceItemId: string | null };

/** Something to be billed. `invoiceId` is null while it waits for the next invoice. */
export type InvoiceItem = Billed & { id: string; customerId: string; subscriptionId: string | null; invoiceId: string | null; created: number };

type BillingReason = 'subscription_create' | 'subscription_cycle' | 'subscription_update' | 'manual' | 'quote_accept';

export type Invoice = {
  id: string;
  customerId: string;
  subscriptionId: string | null;
  quoteId: string | null;
  status: 'draft' | 'open' | 'paid' | 'void' | 'uncollectible';
  billingReason: BillingReason;
  collection: Collection;
  /** False: Stripe leaves the draft alone. */
  autoAdvance: boolean;
  dueAt: number | null;
  lines: InvoiceLine[];
  /** The period before the one the lines pay for: Stripe's invoice looks back. */
  period: Period;
  number: string | null;
  /** The customer's balance when it was finalized: what is due is the total with it, and never less than nothing. */
  startingBalance: number;
  paidOutOfBand: boolean;
  /** The payment that Stripe makes of what is due; `invoicePayments` has all of them. */
  paymentIntentId: string | null;
  attemptCount: number;
  nextAttempt: number | null;
  finalizationError: string | null;
  finalizedAt: number | null;
  paidAt: number | null;
  voidedAt: number | null;
  markedUncollectibleAt: number | null;
  created: number;
};

/** What one payment intent pays of an invoice. */
export type InvoicePayment = {
  id: string;
  invoiceId: string;
  paymentIntentId: string;
  isDefault: boolean;
  status: 'open' | 'paid' | 'canceled';
  amountRequested: number;
  amountPaid: number | null;
  paidAt: number | null;
  canceledAt: number | null;
  created: number;
};

export type PaymentIntent = {
  id: string;
  amount: number;
  customerId: string | null;
  email: string | null;
  /** The invoice it was made for. */
  invoiceId: string | null;
  status: 'requires_payment_method' | 'requires_confirmation' | 'requires_action' | 'requires_capture' | 'processing' | 'succeeded' | 'canceled';
  paymentMethodId: string | null;
  latestChargeId: string | null;
  canceledAt: number | null;
  created: number;
};

/** `paymentIntentId` is null for a charge that was made without one. */
export type Charge = Pick<PaymentIntent, 'amount' | 'customerId' | 'email' | 'paymentMethodId'> & {
  id: string;
  paymentIntentId: string | null;
  succeeded: boolean;
  created: number;
};

export type RefundStatus = 'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled';

export type Refund = { id: string; chargeId: string; amount: number; status: RefundStatus; reason: string | null; created: number };

export type DisputeStatus =
  | 'warning_needs_response' | 'warning_under_review' | 'warning_closed' | 'needs_response' | 'under_review' | 'won' | 'lost'
  | 'prevented' | 'appeal_needs_response' | 'appeal_under_review';

export type Dispute = { id: string; chargeId: string; amount: number; status: DisputeStatus; reason: string; created: number };

/** A card, named as Stripe's test cards are (`visa`, `chargeCustomerFail`, `threeDSecure2Required`). */
export type PaymentMethod = { id: string; customerId: string | null; card: string; created: number };

export type TestClock = { id: string; name: string | null; frozenTime: number; status: 'ready' | 'advancing'; created: number };

export type LineItem = { id: string; priceId: string; quantity: number };

export type CheckoutSession = {
  id: string;
  mode: 'payment' | 'subscription' | 'setup';
  status: 'open' | 'complete' | 'expired';
  customerId: string | null;
  customerCreation: 'always' | 'if_required' | null;
  email: string | null;
  name: string | null;
  lineItems: LineItem[];
  percentOff: number;
  paymentStatus: 'paid' | 'unpaid' | 'no_payment_required';
  /** Whether what is paid once gets an invoice afterwards. */
  invoiceCreation: boolean;
  trialDays: number;
  paymentIntentId: string | null;
  setupIntentId: string | null;
  subscriptionId: string | null;
  invoiceId: string | null;
  created: number;
};

/** An object as Stripe's API shows it. */
export type StripeObject = { id: string; object: string; [name: string]: unknown };

/** A snapshot event, as Stripe lists and posts it. `api_version` is that of the shape it was rendered in. */
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
  invoiceItems: Map<string, InvoiceItem>;
  invoicePayments: Map<string, InvoicePayment>;
  paymentIntents: Map<string, PaymentIntent>;
  charges: Map<string, Charge>;
  refunds: Map<string, Refund>;
  disputes: Map<string, Dispute>;
  sessions: Map<string, CheckoutSession>;
  paymentMethods: Map<string, PaymentMethod>;
  testClocks: Map<string, TestClock>;
  /** What is quoted, by the id of its quote. */
  quoteItems: Map<string, LineItem[]>;
  /** Objects that are kept as they are shown: coupons and the like, setup intents, quotes, webhook endpoints. */
  others: Map<string, StripeObject>;
  /** What was said of an object that no rule reads either, as metadata: shown with it. */
  told: Map<string, Record<string, unknown>>;
  /** The secret of each webhook endpoint, which is shown once. */
  endpointSecrets: Map<string, string>;
  /** The API request that is being answered: its events name it. */
  request: FakeEvent['request'] | null;
  /** Oldest first. */
  events: FakeEvent[];
  /** Hears of each event as it is emitted. */
  onEvent: (event: FakeEvent) => void;
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
    invoiceItems: new Map(),
    invoicePayments: new Map(),
    paymentIntents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    disputes: new Map(),
    sessions: new Map(),
    paymentMethods: new Map(),
    testClocks: new Map(),
    quoteItems: new Map(),
    others: new Map(),
    told: new Map(),
    endpointSecrets: new Map(),
    request: null,
    events: [],
    onEvent: () => undefined,
  };
}

/** The record a story needs. A story that names one which is not there is a mistake in the test. */
export function recordOf<Kept>(records: Map<string, Kept>, id: string): Kept {
  const record = records.get(id);
  if (record === undefined) throw new Error(`the stand-in for Stripe holds no ${id}`);
  return record;
}
