import { shownIn } from './shape.ts';
import type { Customer, State, StripeObject } from './state.ts';

/** A customer as Stripe's API shows it: of one that is deleted nothing is left but that. */
export function showCustomer(state: State, customer: Customer): StripeObject {
  return customer.deleted ? { id: customer.id, object: 'customer', deleted: true } : renderCustomer(state, customer);
}

/** A customer as Stripe shows it in its events. */
export function renderCustomer(state: State, customer: Customer): StripeObject {
  const invoices = [...state.invoices.values()].filter(({ customerId }) => customerId === customer.id);
  return shownIn(state.shape, {
    id: customer.id,
    object: 'customer',
    address: null,
    balance: customer.balance,
    created: customer.created,
    currency: invoices.length > 0 ? 'usd' : null,
    customer_account: null,
    default_source: null,
    delinquent: invoices.some(({ status, attemptCount }) => status === 'open' && attemptCount > 0),
    description: null,
    discount: null,
    email: customer.email,
    invoice_prefix: customer.invoicePrefix,
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: state.livemode,
    metadata: {},
    name: customer.name,
    next_invoice_sequence: customer.invoiceCount + 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  });
}
