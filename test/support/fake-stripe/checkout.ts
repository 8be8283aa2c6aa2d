import { renderCustomer } from './render-customer.ts';
import { type CheckoutSession, type Customer, type LineItem, recordOf, type State } from './state.ts';
import { emit, type Step } from './step.ts';

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
export function findOrCreateCustomer(step: Step, buyer: Buyer): Customer {
  const known = [...step.state.customers.values()].find(({ email }) => email === buyer.email);
  return known ?? createCustomer(step, buyer);
}

/** A new customer, whether or not another has the same address. */
export function createCustomer(step: Step, { email, name }: Buyer): Customer {
  const { state, at } = step;
  const id = state.newId('customer');
  const customer: Customer = { id, email, name: name ?? null, invoicePrefix: id.slice(-8).toUpperCase(), invoiceCount: 0, created: at };
  state.customers.set(id, customer);
  emit(step, 'customer.created', renderCustomer(state, customer));
  return customer;
}

type Sold = Pick<CheckoutSession, 'mode' | 'lineItems' | 'paymentStatus'> & Partial<CheckoutSession>;

/** The session a purchase was made in. */
export function keepSession({ state, at }: Step, { email, name }: Buyer, sold: Sold): CheckoutSession {
  const session: CheckoutSession = {
    id: state.newId(state.livemode ? 'liveSession' : 'testSession'),
    email,
    name: name ?? null,
    customerId: null,
    customerCreation: null,
    paymentIntentId: null,
    subscriptionId: null,
    invoiceId: null,
    created: at,
    ...sold,
  };
  state.sessions.set(session.id, session);
  return session;
}
