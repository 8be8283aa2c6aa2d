import { renderPrice } from './render-catalog.ts';
import { shownIn } from './shape.ts';
import { type CheckoutSession, type LineItem, recordOf, type State, type StripeObject } from './state.ts';

const DAY_S = 86_400;

/** A checkout session as Stripe shows it: its line items are left out unless they are asked for. */
export function renderCheckoutSession(state: State, session: CheckoutSession): StripeObject {
  const setup = session.mode === 'setup';
  return shownIn(state.shape, {
    id: session.id,
    object: 'checkout.session',
    ...settings,
    ...totalsOf(state, session),
    created: session.created,
    currency: setup ? null : 'usd',
    customer: session.customerId,
    customer_creation: session.customerCreation,
    customer_details: session.status === 'complete' ? detailsOf(session) : null,
    expires_at: session.status === 'expired' ? Math.floor(state.now().getTime() / 1000) : session.created + DAY_S,
    invoice: session.invoiceId,
    invoice_creation: session.mode === 'payment' ? { enabled: session.invoiceCreation, invoice_data: invoiceData } : null,
    livemode: state.livemode,
    mode: session.mode,
    payment_intent: session.paymentIntentId,
    payment_method_collection: session.mode === 'subscription' ? 'always' : 'if_required',
    payment_status: session.paymentStatus,
    setup_intent: session.setupIntentId,
    status: session.status,
    subscription: session.subscriptionId,
    ui_mode: state.shape === 'endive' ? 'hosted_page' : 'hosted',
    url: session.status === 'open' ? `https://checkout.stripe.com/c/pay/${session.id}` : null,
  });
}

function totalsOf(state: State, session: CheckoutSession) {
  if (session.mode === 'setup') return { amount_subtotal: null, amount_total: null, total_details: null };
  const [subtotal, total] = [totalOfSession(state, { ...session, percentOff: 0 }), totalOfSession(state, session)];
  return { amount_subtotal: subtotal, amount_total: total, total_details: { amount_discount: subtotal - total, amount_shipping: 0, amount_tax: 0 } };
}

function detailsOf({ email, name }: CheckoutSession) {
  const address = { city: null, country: 'US', line1: null, line2: null, postal_code: '94107', state: null };
  return { address, email, name, phone: null, tax_exempt: 'none', tax_ids: [] };
}

/** The line items of a session as Stripe shows them, the same in every shape. */
export function renderLineItems(state: State, session: CheckoutSession): StripeObject[] {
  return session.lineItems.map((item) => ({
    id: item.id,
    object: 'item',
    amount_discount: discountOn(amountOf(state, item), session.percentOff),
    amount_subtotal: amountOf(state, item),
    amount_tax: 0,
    amount_total: amountOf(state, item) - discountOn(amountOf(state, item), session.percentOff),
    currency: 'usd',
    description: recordOf(state.products, recordOf(state.prices, item.priceId).productId).name,
    price: renderPrice(state, item.priceId),
    quantity: item.quantity,
  }));
}

/** What some units of a price cost, in cents. */
export function amountOf(state: State, { priceId, quantity }: Pick<LineItem, 'priceId' | 'quantity'>): number {
  return recordOf(state.prices, priceId).unitAmount * quantity;
}

/** What a session comes to, in cents. */
export function totalOfSession(state: State, { lineItems, percentOff }: Pick<CheckoutSession, 'lineItems' | 'percentOff'>): number {
  return lineItems.reduce((sum, item) => sum + amountOf(state, item) - discountOn(amountOf(state, item), percentOff), 0);
}

/** What a coupon takes off an amount, in cents. */
export function discountOn(amount: number, percentOff: number): number {
  return Math.round((amount * percentOff) / 100);
}

const invoiceData = { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: null, metadata: {}, rendering_options: null };

/** What no story changes. */
const settings = {
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allow_promotion_codes: null,
  automatic_tax: { enabled: false, liability: null, status: null },
  billing_address_collection: null,
  cancel_url: 'https://vendor.example/cancel',
  client_reference_id: null,
  client_secret: null,
  collected_information: { shipping_details: null },
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_account: null,
  customer_email: null,
  discounts: [],
  integration_identifier: null,
  locale: null,
  managed_payments: null,
  metadata: {},
  payment_link: null,
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ['card'],
  permissions: null,
  phone_number_collection: { enabled: false },
  recovered_from: null,
  saved_payment_method_options: null,
  shipping: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_details: null,
  shipping_options: [],
  submit_type: null,
  success_url: 'https://vendor.example/thanks',
};
