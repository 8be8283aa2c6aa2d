import { embeddedList } from './list.ts';
import { disputesOf, refundedOf, refundsOf, renderRefund } from './render-refund.ts';
import { shownIn } from './shape.ts';
import type { Charge, PaymentIntent, State, StripeObject } from './state.ts';

/** A payment intent as Stripe shows it. Until acacia it names its invoice. */
export function renderPaymentIntent(state: State, intent: PaymentIntent): StripeObject {
  const failed = intent.status === 'requires_payment_method' && intent.latestChargeId !== null;
  const charges = [...state.charges.values()].filter(({ paymentIntentId }) => paymentIntentId === intent.id).reverse();
  return shownIn(state.shape, {
    id: intent.id,
    object: 'payment_intent',
    ...intentSettings,
    amount: intent.amount,
    amount_received: intent.status === 'succeeded' ? intent.amount : 0,
    canceled_at: intent.canceledAt,
    cancellation_reason: intent.canceledAt === null || intent.invoiceId === null ? null : 'void_invoice',
    charges: embeddedList(charges.map((charge) => renderCharge(state, charge)), `/v1/charges?payment_intent=${intent.id}`),
    client_secret: `${intent.id}_secret_redacted`,
    created: intent.created,
    customer: intent.customerId,
    invoice: intent.invoiceId,
    last_payment_error: failed ? { ...decline, charge: intent.latestChargeId, type: 'card_error' } : null,
    latest_charge: intent.latestChargeId,
    livemode: state.livemode,
    next_action: intent.status === 'requires_action' ? { type: 'use_stripe_sdk', use_stripe_sdk: {} } : null,
    payment_method: failed ? null : intent.paymentMethodId,
    receipt_email: intent.customerId === null ? intent.email : null,
    status: intent.status,
  });
}

/** A charge as Stripe shows it: one attempt at a payment. Until acacia it names its invoice, in the oldest shape it carries its refunds. */
export function renderCharge(state: State, charge: Charge): StripeObject {
  const refunded = refundedOf(state, charge);
  const refunds = refundsOf(state, charge).map((refund) => renderRefund(state, refund));
  return shownIn(state.shape, {
    id: charge.id,
    object: 'charge',
    ...settings,
    amount: charge.amount,
    amount_captured: charge.succeeded ? charge.amount : 0,
    amount_refunded: refunded,
    billing_details: { address: noAddress, email: charge.email, name: null, phone: null, tax_id: null },
    captured: charge.succeeded,
    created: charge.created,
    customer: charge.customerId,
    dispute: disputesOf(state, charge).at(-1)?.id ?? null,
    disputed: disputesOf(state, charge).length > 0,
    failure_code: charge.succeeded ? null : decline.code,
    failure_message: charge.succeeded ? null : decline.message,
    invoice: charge.paymentIntentId === null ? null : (state.paymentIntents.get(charge.paymentIntentId)?.invoiceId ?? null),
    livemode: state.livemode,
    outcome: charge.succeeded ? approved : declined,
    paid: charge.succeeded,
    payment_intent: charge.paymentIntentId,
    payment_method: charge.paymentMethodId,
    receipt_url: charge.succeeded ? `https://pay.stripe.com/receipts/${charge.id}` : null,
    refunded: charge.succeeded && refunded === charge.amount,
    refunds: embeddedList(refunds, `/v1/charges/${charge.id}/refunds`),
    status: charge.succeeded ? 'succeeded' : 'failed',
  });
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
  destination: null,
  failure_balance_transaction: null,
  fraud_details: {},
  metadata: {},
  on_behalf_of: null,
  order: null,
  payment_method_details: { card: { brand: 'visa', country: 'US', exp_month: 12, exp_year: 2034, funding: 'credit', last4: '4242', network: 'visa', three_d_secure: null, wallet: null }, type: 'card' },
  receipt_email: null,
  receipt_number: null,
  review: null,
  shipping: null,
  source: null,
  source_transfer: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
};

const intentSettings = {
  amount_capturable: 0,
  amount_details: { tip: {} },
  application: null,
  application_fee_amount: null,
  automatic_payment_methods: null,
  capture_method: 'automatic_async',
  confirmation_method: 'automatic',
  currency: 'usd',
  customer_account: null,
  description: null,
  metadata: {},
  on_behalf_of: null,
  payment_method_configuration_details: null,
  payment_method_options: { card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' } },
  payment_method_types: ['card'],
  payment_record: null,
  processing: null,
  review: null,
  setup_future_usage: null,
  shipping: null,
  source: null,
  statement_descriptor: null,
  statement_descriptor_suffix: null,
  transfer_data: null,
  transfer_group: null,
};
