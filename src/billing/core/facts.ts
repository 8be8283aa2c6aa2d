/**
 * Facts: what Stripe says is so, in our words and free of its versions. Times are ISO 8601 strings, so that a fact read
 * from an event, from the API and from the database compare alike.
 */

export const subscriptionStatuses = [
  'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'paused',
] as const;
export const pauseBehaviors = ['void', 'keep_as_draft', 'mark_uncollectible'] as const;
type SubscriptionStatus = (typeof subscriptionStatuses)[number];

export const invoiceStatuses = ['draft', 'open', 'paid', 'uncollectible', 'void'] as const;
type InvoiceStatus = (typeof invoiceStatuses)[number];

export const paymentStatuses = ['paid', 'unpaid', 'no_payment_required'] as const;
type PaymentStatus = (typeof paymentStatuses)[number];

export type SubscriptionItem = {
  id: string;
  priceId: string | null;
  productId: string | null;
  quantity: number;
  periodStart: string;
  periodEnd: string;
  /** Billed when a period is over, for what was used in it. */
  metered: boolean;
};

export type SubscriptionFact = {
  kind: 'subscription';
  id: string;
  customerId: string | null;
  status: SubscriptionStatus;
  items: SubscriptionItem[];
  /** `send_invoice` subscriptions are active while their first invoice is still open. */
  sendsInvoice: boolean;
  cancelAt: string | null;
  cancelAtPeriodEnd: boolean;
  endedAt: string | null;
  trialEnd: string | null;
  /** True: the event shows the first items only, and says nothing of the others. */
  partial: boolean;
  /** What happens to invoices while collection is paused; null when it is not. */
  pauseBehavior: string | null;
};

export type InvoiceLine = Omit<SubscriptionItem, 'metered'> & {
  subscriptionItemId: string | null;
  /** In the currency's smallest unit, before discounts; negative for a credit, null where Stripe does not say. */
  amount: number | null;
  /** Whether it settles a change in the middle of a period. */
  proration: boolean;
};

export type InvoiceFact = {
  kind: 'invoice';
  id: string;
  customerId: string | null;
  subscriptionId: string | null;
  status: InvoiceStatus;
  billingReason: string | null;
  email: string | null;
  name: string | null;
  createdAt: string;
  /** When an invoice that is sent must be paid; null for one that is charged. */
  dueAt: string | null;
  paidAt: string | null;
  amountPaid: number | null;
  /** Stripe's page where it can be paid. */
  hostedUrl: string | null;
  /** The payment intents and charges that paid it, where Stripe shows them. */
  paymentIds: string[];
  /** True: the event shows the first lines only. */
  partial: boolean;
  lines: InvoiceLine[];
};

export type LineItem = { id: string; priceId: string | null; productId: string | null; quantity: number };

export type CheckoutSessionFact = {
  kind: 'checkout_session';
  id: string;
  customerId: string | null;
  subscriptionId: string | null;
  /** In `payment` mode, an invoice that Checkout wrote for the same purchase. */
  invoiceId: string | null;
  paymentIntentId: string | null;
  amountTotal: number | null;
  mode: 'payment' | 'subscription';
  paymentStatus: PaymentStatus;
  email: string | null;
  name: string | null;
  /** Null: the event did not carry them and they were not fetched. */
  lineItems: LineItem[] | null;
};

export type CustomerFact = {
  kind: 'customer';
  id: string;
  email: string | null;
  name: string | null;
};

export const refundStatuses = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

export const disputeStatuses = [
  'warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'won', 'lost',
] as const;
type DisputeStatus = (typeof disputeStatuses)[number];

/** What names a payment: a charge belongs to a payment intent, unless it is older than those. */
type OfPayment = { chargeId: string | null; paymentIntentId: string | null };

export type RefundFact = OfPayment & { kind: 'refund'; id: string; amount: number; status: RefundStatus };

export type ChargeFact = {
  kind: 'charge';
  id: string;
  customerId: string | null;
  paymentIntentId: string | null;
  /** Told before basil; since then an invoice payment tells it. */
  invoiceId: string | null;
  amount: number;
  /** In all, also by refunds that are pending or were failing when this was told. */
  amountRefunded: number;
  /** Every refund of it; null where Stripe does not show them all. */
  refunds: Pick<RefundFact, 'id' | 'amount' | 'status'>[] | null;
};

export type DisputeFact = OfPayment & { kind: 'dispute'; id: string; status: DisputeStatus };

/** Which payment paid which invoice. */
export type InvoicePaymentFact = OfPayment & { kind: 'invoice_payment'; id: string; invoiceId: string };

/** What tells of money that came and went back. */
export type MoneyFact = ChargeFact | RefundFact | DisputeFact | InvoicePaymentFact;

export type StripeFact = SubscriptionFact | InvoiceFact | CheckoutSessionFact | CustomerFact | MoneyFact;
