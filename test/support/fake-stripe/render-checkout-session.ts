import { renderPrice } from './render-catalog.ts';
import { type CheckoutSession, type LineItem, recordOf, type State, type StripeObject } from './state.ts';

const DAY_S = 86_400;

/** A checkout session as Stripe shows it: its line items are left out unless they are asked for. */
export function renderCheckoutSession(state: State, session: CheckoutSession): StripeObject {
  const total = session.lineItems.reduce((sum, item) => sum + amountOf(state, item), 0);
  return {
    id: session.id,
    object: 'checkout.session',
    ...settings,
    ...(state.shape === 'acacia' && { shipping_details: null }),
    amount_subtotal: total,
    amount_total: total,
    created: session.created,
    customer: session.customerId,
    customer_creation: session.customerCreation,
    customer_details: {
      address: { city: null, country: 'US', line1: null, line2: null, postal_code: '94107', state: null },
      email: session.email,
      name: session.name,
      phone: null,
      tax_exempt: 'none',
      tax_ids: [],
    },
    expires_at: session.created + DAY_S,
    invoice: session.invoiceId,
    invoice_creation: session.mode === 'payment' ? noInvoice : null,
    livemode: state.livemode,
    mode: session.mode,
    payment_intent: session.paymentIntentId,
    payment_method_collection: session.mode === 'subscription' ? 'always' : 'if_required',
    payment_status: session.paymentStatus,
    subscription: session.subscriptionId,
  };
}

/** The line items of a session as Stripe shows them, the same in both shapes. */
export function renderLineItems(state: State, session: CheckoutSession): StripeObject[] {
  return session.lineItems.map((item) => ({
    id: item.id,
    object: 'item',
    amount_discount: 0,
    amount_subtotal: amountOf(state, item),
    amount_tax: 0,
    amount_total: amountOf(state, item),
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

const noInvoice = {
  enabled: false,
  invoice_data: { account_tax_ids: null, custom_fields: null, description: null, footer: null, issuer: null, metadata: {}, rendering_options: null },
};

/** What no story changes. Only completed sessions are told of. */
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
  currency: 'usd',
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_email: null,
  discounts: [],
  locale: null,
  metadata: {},
  payment_link: null,
  payment_method_configuration_details: null,
  payment_method_options: {},
  payment_method_types: ['card'],
  permissions: null,
  phone_number_collection: { enabled: false },
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  status: 'complete',
  submit_type: null,
  success_url: 'https://vendor.example/thanks',
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted',
  url: null,
};
