/**
 * Facts: what Stripe says is so, in our words and free of its versions. Times are ISO 8601 strings, so that a fact read
 * from an event, from the API and from the database compare alike.
 */

export const subscriptionStatuses = [
  'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'paused',
] as const;
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

export type InvoiceLine = Pick<SubscriptionItem, 'id' | 'priceId' | 'productId' | 'periodStart' | 'periodEnd'> & {
  subscriptionItemId: string | null;
  /** In the currency's smallest unit, before discounts; null where Stripe does not say. */
  amount: number | null;
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
  lines: InvoiceLine[];
};

export type LineItem = { id: string; priceId: string | null; productId: string | null; quantity: number };

export type CheckoutSessionFact = {
  kind: 'checkout_session';
  id: string;
  customerId: string | null;
  subscriptionId: string | null;
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

export type StripeFact = SubscriptionFact | InvoiceFact | CheckoutSessionFact | CustomerFact;

/**
 * The earliest moment each thing was seen to be so. Later truth replaces a fact; marks only move earlier, so an event
 * that arrives late, after its object has moved on, still leaves what it alone could tell.
 */
export type Marks = { activeAt?: string; trialingAt?: string; failedAt?: string; emailChangedAt?: string };

/** A fact with the moment it was true and the marks of its object. */
export type Known<Fact extends StripeFact> = { fact: Fact; asOf: string; marks: Marks };

/** What is stored of an object. `first`: only `*.created` has told of it. */
export type Stored = Known<StripeFact> & { first: boolean };

/** One reading of an object: how it is, since when, what it leaves behind, and how to tell it from another of the same second. */
export type Sighting = {
  fact: StripeFact;
  asOf: string;
  marks: Marks;
  /** True of `*.created`: the first thing ever said of the object. */
  first: boolean;
  /** What the object was before this event, where the event says. */
  previous: StripeFact | null;
};

/** The Stripe object whose licenses a fact bears on: the subscription, else the checkout session or invoice itself. */
export function purchaseOf(fact: StripeFact): string | null {
  switch (fact.kind) {
    case 'subscription':
      return fact.id;
    case 'invoice':
    case 'checkout_session':
      return fact.subscriptionId ?? fact.id;
    case 'customer':
      return null;
  }
}

/** The Stripe customer a fact speaks of. */
export function customerOf(fact: StripeFact): string | null {
  return fact.kind === 'customer' ? fact.id : fact.customerId;
}

/** Every Stripe id a fact names that another fact may name too: what is locked while it is stored and projected. */
export function idsOf(fact: StripeFact): string[] {
  return [fact.id, purchaseOf(fact), customerOf(fact)].filter((id) => id !== null);
}
