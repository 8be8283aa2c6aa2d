import Stripe from 'stripe';
import type { Logger } from './logger.ts';
import { createStripeClient, type Patience } from './stripe-client.ts';
import { stripeEndpointsOf, type StripeEndpoints } from './stripe-endpoints.ts';
import { listsOf, type StripeLists } from './stripe-lists.ts';

/** Stripe, behind the few functions Tillkey needs: verify what it sends, and read what it holds. */

/** Seconds a signature stays good. */
const TOLERANCE_S = 300;
/** Entries of one list of an object, page after page. */
const MOST_ENTRIES = 10_000;

/** Whether the bytes carry a fresh signature made with one of `secrets`. Judged on real time. */
export function isSigned(body: Buffer, header: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => {
    try {
      return Stripe.webhooks.signature?.verifyHeader(body, header, secret, TOLERANCE_S) ?? false;
    } catch {
      // The SDK says "not signed by this secret" with an exception.
      return false;
    }
  });
}

/** The objects Tillkey reads from Stripe's API, as Stripe renders them. Null: Stripe has no such object (any more). */
export type StripeReader = {
  /** With its customer, and its latest invoice with the payments of it. */
  subscription(id: string): Promise<unknown>;
  invoice(id: string): Promise<unknown>;
  /** Every invoice of a subscription, whatever became of it. */
  invoicesOf(subscriptionId: string): Promise<unknown[]>;
  /** With all its line items. */
  checkoutSession(id: string): Promise<unknown>;
  customer(id: string): Promise<unknown>;
  /** With its refunds. */
  charge(id: string): Promise<unknown>;
  refund(id: string): Promise<unknown>;
  dispute(id: string): Promise<unknown>;
  /** Which invoices a payment intent paid. */
  paymentsBy(paymentIntentId: string): Promise<unknown[]>;
  event(id: string): Promise<unknown>;
  /** Whatever stands at a path of the first API. */
  objectAt(path: string): Promise<unknown>;
};

/** All that is read from Stripe's API. */
export type StripeApi = StripeReader & StripeLists;

/** A reader with an API key. `apiBase` points it at a stand-in. The API version is the one this SDK release pins. */
export function createStripeReader(secretKey: string, apiBase: string | undefined, log: Logger, patience?: Patience): StripeApi {
  const { stripe, read } = createStripeClient(secretKey, apiBase, log, patience);
  return {
    subscription: (id) => read(() => withItemsAndInvoice(stripe, id)),
    invoice: (id) => read(async () => withAllLines(stripe, await stripe.invoices.retrieve(id, { expand: ['payments'] }))),
    invoicesOf: async (subscriptionId) => (await read(() => invoicesOf(stripe, subscriptionId))) ?? [],
    checkoutSession: (id) => read(() => withLineItems(stripe, id)),
    customer: (id) => read(() => stripe.customers.retrieve(id)),
    charge: (id) => read(() => stripe.charges.retrieve(id, { expand: ['refunds'] })),
    refund: (id) => read(() => stripe.refunds.retrieve(id)),
    dispute: (id) => read(() => stripe.disputes.retrieve(id)),
    paymentsBy: async (paymentIntentId) => (await read(() => invoicePayments(stripe, paymentIntentId))) ?? [],
    event: (id) => read(() => stripe.events.retrieve(id)),
    objectAt: (path) => read(() => stripe.rawRequest('GET', path)),
    ...listsOf(stripe, read),
  };
}

/** The webhook endpoints of the account that an API key belongs to. */
export function createStripeEndpoints(secretKey: string, apiBase: string | undefined, log: Logger): StripeEndpoints {
  return stripeEndpointsOf(createStripeClient(secretKey, apiBase, log).stripe);
}

async function withItemsAndInvoice(stripe: Stripe, id: string): Promise<unknown> {
  const subscription = await stripe.subscriptions.retrieve(id, { expand: ['customer', 'latest_invoice', 'latest_invoice.payments'] });
  const { latest_invoice: latest, items } = subscription;
  const data = items.has_more ? await stripe.subscriptionItems.list({ subscription: id, limit: 100 }).autoPagingToArray({ limit: MOST_ENTRIES }) : items.data;
  const invoice = latest !== null && typeof latest === 'object' ? await withAllLines(stripe, latest) : latest;
  return { ...subscription, items: { data }, latest_invoice: invoice };
}

/** Stripe shows the first ten lines with an invoice; a line that is missed is a license that seems unpaid. */
async function withAllLines(stripe: Stripe, invoice: Stripe.Invoice): Promise<unknown> {
  if (!invoice.lines.has_more) return invoice;
  const data = await stripe.invoices.listLineItems(invoice.id, { limit: 100 }).autoPagingToArray({ limit: MOST_ENTRIES });
  return { ...invoice, lines: { data } };
}

async function invoicesOf(stripe: Stripe, subscription: string): Promise<unknown[]> {
  const invoices = await stripe.invoices.list({ subscription, limit: 100, expand: ['data.payments'] }).autoPagingToArray({ limit: MOST_ENTRIES });
  const whole: unknown[] = [];
  for (const invoice of invoices) whole.push(await withAllLines(stripe, invoice));
  return whole;
}

function invoicePayments(stripe: Stripe, paymentIntentId: string): Promise<unknown[]> {
  const payment = { type: 'payment_intent', payment_intent: paymentIntentId } as const;
  return stripe.invoicePayments.list({ payment, limit: 100 }).autoPagingToArray({ limit: MOST_ENTRIES });
}

async function withLineItems(stripe: Stripe, id: string): Promise<unknown> {
  const session = await stripe.checkout.sessions.retrieve(id);
  const data = await stripe.checkout.sessions.listLineItems(id, { limit: 100 }).autoPagingToArray({ limit: MOST_ENTRIES });
  return { ...session, line_items: { data } };
}
