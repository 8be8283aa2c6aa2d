import { noSuch } from '../api-error.ts';
import type { PaymentMethod, State, StripeObject } from '../state.ts';
import { emit, requestedStep } from '../step.ts';
import { type Params, partOf, requiredText, shownAs, textOf } from './params.ts';
import { type Call, find, type Kind, readRoutes, type Route, shown } from './route.ts';
import { update } from './tell.ts';

/** What comes of paying. `slow`: a bank debit that stays on its way. */
export type Behavior = 'pays' | 'declined' | 'needs_action' | 'slow' | 'slow_pays' | 'slow_declined' | 'disputed' | 'inquired' | 'refund_fails' | 'refund_waits';

/** Stripe's test cards (`pm_card_visa`, `tok_visa`) and test bank accounts. Any other pays. */
const behaviors: Record<string, Behavior> = {
  authenticationRequired: 'needs_action',
  chargeCustomerFail: 'declined',
  chargeDeclined: 'declined',
  createDispute: 'disputed',
  createDisputeInquiry: 'inquired',
  pendingRefund: 'refund_waits',
  refundFail: 'refund_fails',
  threeDSecure2Required: 'needs_action',
  visa_chargeDeclined: 'declined',
  AT321904300235473204: 'slow',
  AT611904300234573201: 'slow_pays',
  AT861904300235473202: 'slow_declined',
  IT60X0542811101000000123456: 'slow_declined',
};

export const paymentMethodKind: Kind<PaymentMethod> = {
  path: '/v1/payment_methods',
  noun: 'PaymentMethod',
  param: 'payment_method',
  records: ({ paymentMethods }) => paymentMethods,
  render: renderPaymentMethod,
  filters: ['customer', 'type'],
};

export const paymentMethodRoutes: Route[] = [
  ...readRoutes(paymentMethodKind),
  { method: 'post', path: paymentMethodKind.path, answer: create },
  { method: 'post', path: '/v1/payment_methods/:id/attach', answer: attach },
  { method: 'post', path: '/v1/payment_methods/:id/detach', answer: detach },
  { method: 'post', path: '/v1/payment_methods/:id', answer: change },
];

/** A payment method as Stripe shows it. */
function renderPaymentMethod({ livemode }: State, { id, card, customerId, created }: PaymentMethod): StripeObject {
  const debit = isAccount(card);
  return {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    ...(debit
      ? { sepa_debit: { bank_code: '19043', branch_code: '', country: card.slice(0, 2), last4: card.slice(-4) } }
      : { card: { brand: 'visa', country: 'US', exp_month: 12, exp_year: 2034, funding: 'credit', last4: '4242' } }),
    created,
    customer: customerId,
    livemode,
    metadata: {},
    type: debit ? 'sepa_debit' : 'card',
  };
}

function isAccount(card: string): boolean {
  return /^[A-Z]{2}\d{2}/.test(card);
}

/** The payment method a parameter names; the name of a test card (`pm_card_visa`, `tok_visa`) makes a new one of that card. */
export function paymentMethodOf(state: State, name: string): PaymentMethod {
  const card = /^(?:pm_card|tok)_(\w+)$/.exec(name)?.[1];
  if (card !== undefined) return keep(state, card);
  const method = state.paymentMethods.get(name);
  if (method === undefined) throw noSuch('PaymentMethod', name, 'payment_method', 400);
  return method;
}

/** What comes of paying with a payment method; one that is not kept pays. */
export function behaviorOf({ paymentMethods }: State, id: string | null): Behavior {
  return behaviors[paymentMethods.get(id ?? '')?.card ?? ''] ?? 'pays';
}

/** The address and name that a payment method was given. */
export function buyerOf(state: State, { id }: PaymentMethod): { email: string; name?: string } {
  const details = partOf(state.told.get(id) ?? {}, 'billing_details');
  const name = textOf(details, 'name');
  return { email: textOf(details, 'email') ?? 'stripe@example.com', ...(name != null && { name }) };
}

/** Gives a payment method to a customer, and emits it. */
export function attachTo(state: State, method: PaymentMethod, customerId: string): PaymentMethod {
  method.customerId = customerId;
  emit(requestedStep(state), 'payment_method.attached', renderPaymentMethod(state, method));
  return method;
}

function create({ state, params }: Call): StripeObject {
  const card = textOf(partOf(params, 'card'), 'token')?.replace('tok_', '') ?? 'visa';
  const method = keep(state, textOf(partOf(params, 'sepa_debit'), 'iban') ?? card);
  sayWhose(state, method, params);
  return shown(state, paymentMethodKind, method);
}

function sayWhose(state: State, { id }: PaymentMethod, params: Params): void {
  const details = { address: null, email: null, name: null, phone: null, tax_id: null, ...shownAs(partOf(params, 'billing_details')) };
  state.told.set(id, { ...state.told.get(id), billing_details: details });
}

function keep(state: State, card: string): PaymentMethod {
  const method: PaymentMethod = { id: state.newId('paymentMethod'), customerId: null, card, created: Math.floor(state.now().getTime() / 1000) };
  state.paymentMethods.set(method.id, method);
  return method;
}

function attach({ state, params, ids }: Call): StripeObject {
  return shown(state, paymentMethodKind, attachTo(state, paymentMethodOf(state, ids['id'] ?? ''), requiredText(params, 'customer')));
}

function detach(call: Call): StripeObject {
  const { state } = call;
  const method = find(call, paymentMethodKind);
  const before = renderPaymentMethod(state, method);
  method.customerId = null;
  emit(requestedStep(state), 'payment_method.detached', renderPaymentMethod(state, method), before);
  return shown(state, paymentMethodKind, method);
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const method = find(call, paymentMethodKind);
  const render = () => renderPaymentMethod(state, method);
  const detail = () => {
    if (params['billing_details'] !== undefined) sayWhose(state, method, params);
  };
  update(requestedStep(state), { type: 'payment_method.updated', id: method.id, render, params, change: detail });
  return shown(state, paymentMethodKind, method);
}
