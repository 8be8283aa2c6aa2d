import { renderCheckoutSession } from './render-checkout-session.ts';
import { renderCustomer } from './render-customer.ts';
import { type CheckoutSession, type Customer, type LineItem, recordOf, type State } from './state.ts';
import { emit, emitChange, type Step } from './step.ts';
import { endSubscription } from './subscription.ts';

/** What every purchase goes through: who buys, what is in the basket, and the session that sells it. */

export type Buyer = { email: string; name?: string };

type BasketItem = { priceId: string; quantity?: number };

/** One price, or several. */
export type Basket = (BasketItem & { items?: never }) | { items: BasketItem[]; priceId?: never; quantity?: never };

/** The line items of a basket. */
export function fillBasket(state: State, basket: Basket): LineItem[] {
  const items = basket.items ?? [basket];
  return items.map(({ priceId, quantity }) => ({ id: state.newId('lineItem'), priceId: recordOf(state.prices, priceId).id, quantity: quantity ?? 1 }));
}

/** The customer this address belongs to; a new one if there is none. */
export function findOrCreateCustomer(step: Step, buyer: Partial<Customer>): Customer {
  const known = [...step.state.customers.values()].find(({ email, deleted }) => email === buyer.email && !deleted);
  return known ?? createCustomer(step, buyer);
}

/** A new customer, whether or not another has the same address. */
export function createCustomer(step: Step, { id = step.state.newId('customer'), email, name }: Partial<Customer>): Customer {
  const { state, at } = step;
  const customer: Customer = { id, email: email ?? null, name: name ?? null, balance: 0, deleted: false, invoicePrefix: id.slice(-8).toUpperCase(), invoiceCount: 0, created: at };
  state.customers.set(id, customer);
  emit(step, 'customer.created', renderCustomer(state, customer));
  return customer;
}

/** A customer changes, by their own hand or the vendor's. */
export function updateCustomer(step: Step, customer: Customer, changes: Partial<Pick<Customer, 'email' | 'name'>>): void {
  emitChange(step, ['customer.updated'], [customer, renderCustomer], changes);
}

/** A customer is deleted, and what they subscribe to ends. */
export function deleteCustomer(step: Step, customer: Customer): void {
  const living = [...step.state.subscriptions.values()].filter(({ customerId, endedAt }) => customerId === customer.id && endedAt === null);
  for (const subscription of living) endSubscription(step, subscription);
  customer.deleted = true;
  emit(step, 'customer.deleted', renderCustomer(step.state, customer));
}

type Offer = Pick<CheckoutSession, 'mode' | 'lineItems'> & Partial<CheckoutSession>;

/** A page on which something can be bought. Stripe tells nobody of it until it is completed or has expired. */
export function openSession({ state, at }: Step, offer: Offer): CheckoutSession {
  const session: CheckoutSession = {
    id: state.newId(state.livemode ? 'liveSession' : 'testSession'),
    status: 'open',
    email: null,
    name: null,
    customerId: null,
    customerCreation: offer.mode === 'subscription' ? 'always' : 'if_required',
    percentOff: 0,
    paymentStatus: 'unpaid',
    invoiceCreation: false,
    trialDays: 0,
    paymentIntentId: null,
    setupIntentId: null,
    subscriptionId: null,
    invoiceId: null,
    created: at,
    ...offer,
  };
  state.sessions.set(session.id, session);
  return session;
}

/** Nobody bought in time. */
export function expireSession(step: Step, session: CheckoutSession): void {
  session.status = 'expired';
  emit(step, 'checkout.session.expired', renderCheckoutSession(step.state, session));
}
