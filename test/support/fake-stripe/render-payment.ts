import { type Charge, type PaymentIntent, recordOf, type State, type StripeObject } from './state.ts';

/** A payment intent as Stripe shows it. Only the old shape names the invoice. */
export function renderPaymentIntent(state: State, intent: PaymentIntent): StripeObject {
  const failed = intent.status === 'requires_payment_method' && intent.latestChargeId !== null;
  return {
    id: intent.id,
    object: 'payment_intent',
    amount: intent.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: intent.status === 'succeeded' ? intent.amount : 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${intent.id}_secret_redacted`,
    confirmation_method: 'automatic',
    created: intent.created,
    currency: 'usd',
    customer: intent.customerId,
    description: null,
    ...(state.shape === 'acacia' && { invoice: intent.invoiceId }),
    last_payment_error: failed ? { ...decline, charge: intent.latestChargeId, type: 'card_error' } : null,
    latest_charge: intent.latestChargeId,
    livemode: state.livemode,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: failed ? null : intent.paymentMethodId,
    payment_method_configuration_details: null,
    payment_method_options: { card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' } },
    payment_method_types: ['card'],
    processing: null,
    receipt_email: intent.customerId === null ? intent.email : null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: intent.status,
    transfer_data: null,
    transfer_group: null,
  };
}

/** A charge as Stripe shows it: one attempt at a payment intent. */
export function renderCharge(state: State, charge: Charge): StripeObject {
  const intent = recordOf(state.paymentIntents, charge.paymentIntentId);
  return {
    id: charge.id,
    object: 'charge',
    ...settings,
    amount: intent.amount,
    amount_captured: charge.succeeded ? intent.amount : 0,
    amount_refunded: 0,
    billing_details: { address: noAddress, email: intent.email, name: null, phone: null, tax_id: null },
    captured: charge.succeeded,
    created: charge.created,
    customer: intent.customerId,
    failure_code: charge.succeeded ? null : decline.code,
    failure_message: charge.succeeded ? null : decline.message,
    ...(state.shape === 'acacia' && { invoice: intent.invoiceId }),
    livemode: state.livemode,
    outcome: charge.succeeded ? approved : declined,
    paid: charge.succeeded,
    payment_intent: intent.id,
    payment_method: intent.paymentMethodId,
    receipt_url: charge.succeeded ? `https://pay.stripe.com/receipts/${charge.id}` : null,
    status: charge.succeeded ? 'succeeded' : 'failed',
  };
}

const decline = { code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' };
const approved = { network_status: 'approved_by_network', reason: null, risk_level: 'normal', seller_message: 'Payment complete.', type: 'authorized' };
const declined = { network_status: 'declined_by_network', reason: 'generic_decline', risk_level: 'normal', seller_message: 'The bank did not return any further details with this decline.', type: 'issuer_declined' };
const noAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** What no story changes. */
const settings = {
  application: null,
  application_fee: null,
  application_fee_amount: null,
  balance_transaction: null,
  calculated_statement_descriptor: 'THE VENDOR',
  currency: 'usd',
  description: null,
  disputed: false,
  failure_balance_transaction: null,
  fraud_details: {},
  metadata: {},
  on_behalf_of: null,
  payment_method_details: { card: { brand: 'visa', country: 'US', exp_month: 12, exp_year: 2034, funding: 'credit', last4: '4242', network: 'visa', three_d_secure: null, wallet: null }, type: 'card' },
  receipt_email: null,
  receipt_number: null,
  refunded: false,
  review: null,
  shipping: null,
  source: null,
  source_transfer: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
};
