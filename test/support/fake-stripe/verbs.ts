import { addToNextInvoice, billCustomer, type BillTerms } from './bill-customer.ts';
import { buyOnce, buySubscription, type OneTimeOrder, type SubscriptionOrder, subscribe } from './buy.ts';
import { cancelNow, rescheduleCancel } from './cancel.ts';
import { changeItems, type ChangeTerms, type ItemChange, lapsePendingUpdate } from './change-items.ts';
import { type Basket, type Buyer, deleteCustomer, expireSession, fillBasket, findOrCreateCustomer, openSession, updateCustomer } from './checkout.ts';
import { completeSession, settleSlowPayment } from './complete-session.ts';
import { createProductAndPrice, type ProductForSale } from './create-product.ts';
import { moveDispute, openDispute } from './dispute.ts';
import { failFinalization, finalizeInvoice, markUncollectible, payOutOfBand, payPart, voidInvoice } from './invoicing.ts';
import type { Outcome } from './payment.ts';
import { createRefund, type RefundOrder, settleRefund } from './refund.ts';
import { renderSubscription } from './render-subscription.ts';
import { draftRenewal, endTrial, pauseSubscription, renewableOf, renewSubscription, resumeSubscription } from './renew.ts';
import { type DisputeStatus, type FakeEvent, type Invoice, recordOf, type RefundStatus, type State, type Subscription } from './state.ts';
import { emit, requestedStep, type Step, timedStep, updateSubscription } from './step.ts';
import { collectInvoice, expireIncomplete, followInvoice } from './subscription.ts';

/** What can happen at Stripe. Each verb changes its state at `now()` and returns the events it emitted, in order. */
export type Verbs = ReturnType<typeof sellingVerbs> & ReturnType<typeof subscriptionVerbs> & ReturnType<typeof invoiceVerbs> & ReturnType<typeof moneyVerbs>;

export function verbsOf(state: State): Verbs {
  return { ...sellingVerbs(state), ...subscriptionVerbs(state), ...invoiceVerbs(state), ...moneyVerbs(state) };
}

/** What is sold, to whom. */
function sellingVerbs(state: State) {
  const sold = <Sold>(sell: (step: Step) => Sold): Sold & { events: FakeEvent[] } => {
    const step = requestedStep(state);
    return { ...sell(step), events: step.events };
  };
  return {
    createProductAndPrice: (product: ProductForSale) => createProductAndPrice(state, product),
    /** In Checkout. */
    buySubscription: (order: SubscriptionOrder) => sold((step) => buySubscription(step, order)),
    /** By the vendor's own code, without Checkout. */
    subscribe: (order: SubscriptionOrder) => sold((step) => subscribe(step, order)),
    buyOnce: (order: OneTimeOrder) => sold((step) => buyOnce(step, order)),
    /** The bank answers for a purchase that was paid slowly. */
    settleAsyncPayment: (sessionId: string, succeeded: boolean) => told(timedStep(state), (step) => settleSlowPayment(step, recordOf(state.sessions, sessionId), succeeded)),
    /** A card is saved in Checkout, and nothing bought. */
    saveCard: ({ email }: Buyer) => told(requestedStep(state), (step) => completeSession(step, openSession(step, { mode: 'setup', lineItems: [], email }))),
    /** A session is opened and nobody buys. */
    letSessionExpire: (order: Buyer & Basket) => told(timedStep(state), (step) => expireSession(step, openSession(step, { mode: 'payment', lineItems: fillBasket(state, order), email: order.email }))),
    changeEmail: (customerId: string, email: string) => told(requestedStep(state), (step) => updateCustomer(step, recordOf(state.customers, customerId), { email })),
    deleteCustomer: (customerId: string) => told(requestedStep(state), (step) => deleteCustomer(step, recordOf(state.customers, customerId))),
  };
}

/** What becomes of a subscription. */
function subscriptionVerbs(state: State) {
  const asked = (id: string, act: (step: Step, subscription: Subscription) => void) => told(requestedStep(state), (step) => act(step, recordOf(state.subscriptions, id)));
  const timed = (id: string, act: (step: Step, subscription: Subscription) => void) => told(timedStep(state), (step) => act(step, renewableOf(state, id)));
  return {
    renew: (id: string) => timed(id, (step, subscription) => renewSubscription(step, subscription, 'succeeded')),
    failRenewal: (id: string, outcome: Outcome = 'failed') => timed(id, (step, subscription) => renewSubscription(step, subscription, outcome)),
    /** The next period has begun, and its invoice is still a draft. */
    draftRenewal: (id: string) => timed(id, draftRenewal),
    /** Another attempt at the invoice that is owed. Paid after the end, it revives nothing. */
    retryPayment: (id: string, succeeds: boolean) => told(timedStep(state), (step) => collectInvoice(step, owedBy(state, id), succeeds ? 'succeeded' : 'failed')),
    tellTrialEnd: (id: string) => timed(id, (step, subscription) => emit(step, 'customer.subscription.trial_will_end', renderSubscription(state, subscription))),
    endTrial: (id: string, outcome: Outcome = 'succeeded') => timed(id, (step, subscription) => endTrial(step, subscription, outcome)),
    pause: (id: string) => timed(id, pauseSubscription),
    resume: (id: string) => asked(id, resumeSubscription),
    pauseCollection: (id: string, pauseCollection: Subscription['pauseCollection']) => asked(id, (step, subscription) => updateSubscription(step, subscription, { pauseCollection })),
    resumeCollection: (id: string) => asked(id, (step, subscription) => updateSubscription(step, subscription, { pauseCollection: null })),
    /** Retries are over, and the subscription is kept. */
    giveUpRetries: (id: string) => timed(id, (step, subscription) => updateSubscription(step, subscription, { status: 'unpaid' })),
    changeItems: (id: string, changes: ItemChange[], terms?: ChangeTerms) => asked(id, (step, subscription) => changeItems(step, subscription, changes, terms)),
    lapsePendingUpdate: (id: string) => timed(id, lapsePendingUpdate),
    expireIncomplete: (id: string) => timed(id, expireIncomplete),
    /** It is told to end with its period, or at a moment. */
    scheduleCancel: (id: string, cancelAt: Date | null = null) => asked(id, (step, subscription) => rescheduleCancel(step, subscription, cancelAt ?? 'period_end')),
    undoCancel: (id: string) => asked(id, (step, subscription) => rescheduleCancel(step, subscription, null)),
    cancelNow: (id: string) => asked(id, cancelNow),
    itemsOf: (id: string) => recordOf(state.subscriptions, id).items.map((item) => item.id),
    latestInvoiceOf: (id: string) => recordOf(state.subscriptions, id).latestInvoiceId ?? '',
  };
}

/** Invoices, those of subscriptions and those that stand alone. */
function invoiceVerbs(state: State) {
  const asked = (id: string, act: (step: Step, invoice: Invoice) => void) => told(requestedStep(state), (step) => act(step, recordOf(state.invoices, id)));
  const paid: typeof asked = (id, pay) => asked(id, (step, invoice) => {
    pay(step, invoice);
    if (invoice.status === 'paid') followInvoice(step, invoice);
  });
  return {
    /** An invoice that stands alone, drafted and finalized. */
    sendInvoice: ({ items, quote = false, ...buyer }: Buyer & { items: { priceId: string; quantity?: number }[]; quote?: boolean }) => {
      const step = requestedStep(state);
      const customer = findOrCreateCustomer(step, buyer);
      addToNextInvoice(step, customer, items);
      const terms: BillTerms = { quoteId: quote ? state.newId('quote') : null, collection: 'send_invoice' };
      const invoice = billCustomer(step, customer, terms);
      finalizeInvoice(step, invoice);
      return { events: step.events, invoiceId: invoice.id, customerId: customer.id };
    },
    finalizeInvoice: (id: string) => asked(id, finalizeInvoice),
    failFinalization: (id: string) => asked(id, failFinalization),
    payInvoice: (id: string, outcome: Outcome = 'succeeded') => asked(id, (step, invoice) => collectInvoice(step, invoice, outcome)),
    payPart: (id: string, amount: number) => paid(id, (step, invoice) => payPart(step, invoice, amount)),
    payOutOfBand: (id: string) => paid(id, payOutOfBand),
    voidInvoice: (id: string) => asked(id, voidInvoice),
    markUncollectible: (id: string) => asked(id, markUncollectible),
  };
}

/** Money that goes back. */
function moneyVerbs(state: State) {
  return {
    /** The charges that paid for a checkout session or an invoice, oldest first. */
    chargesOf: (id: string) => chargesOf(state, id),
    refund: (chargeId: string, order?: RefundOrder) => {
      const step = requestedStep(state);
      const { id: refundId } = createRefund(step, recordOf(state.charges, chargeId), order);
      return { events: step.events, refundId };
    },
    settleRefund: (refundId: string, status: RefundStatus) => told(timedStep(state), (step) => settleRefund(step, recordOf(state.refunds, refundId), status)),
    dispute: (chargeId: string, status?: DisputeStatus) => {
      const step = timedStep(state);
      const { id: disputeId } = openDispute(step, recordOf(state.charges, chargeId), status === undefined ? {} : { status });
      return { events: step.events, disputeId };
    },
    moveDispute: (disputeId: string, status: DisputeStatus) => told(timedStep(state), (step) => moveDispute(step, recordOf(state.disputes, disputeId), status)),
  };
}

function told(step: Step, act: (step: Step) => unknown): FakeEvent[] {
  act(step);
  return step.events;
}

function owedBy(state: State, subscriptionId: string): Invoice {
  const invoice = recordOf(state.invoices, recordOf(state.subscriptions, subscriptionId).latestInvoiceId ?? '');
  if (invoice.status !== 'open') throw new Error(`${subscriptionId} owes nothing`);
  return invoice;
}

function chargesOf(state: State, id: string): string[] {
  const intents = new Set([...state.invoicePayments.values()].filter(({ invoiceId }) => invoiceId === id).map(({ paymentIntentId }) => paymentIntentId));
  const bought = state.sessions.get(id)?.paymentIntentId;
  if (bought != null) intents.add(bought);
  return [...state.charges.values()].filter(({ paymentIntentId, succeeded }) => succeeded && intents.has(paymentIntentId ?? '')).map((charge) => charge.id);
}
