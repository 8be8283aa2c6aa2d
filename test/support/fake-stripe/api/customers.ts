import { createCustomer, deleteCustomer } from '../checkout.ts';
import { renderCustomer, showCustomer } from '../render-customer.ts';
import type { Customer, State, StripeObject } from '../state.ts';
import { requestedStep } from '../step.ts';
import { type Params, partOf, textOf } from './params.ts';
import { attachTo, paymentMethodKind, paymentMethodOf } from './payment-methods.ts';
import { answerList, type Call, find, type Kind, readRoutes, type Route, shown } from './route.ts';
import { tell, update } from './tell.ts';

export const customerKind: Kind<Customer> = {
  path: '/v1/customers',
  noun: 'customer',
  param: 'id',
  records: ({ customers }) => customers,
  render: showCustomer,
  filters: ['email', 'test_clock'],
};

export const customerRoutes: Route[] = [
  { method: 'get', path: '/v1/customers', answer: list },
  { method: 'get', path: '/v1/customers/:id/payment_methods', answer: listPaymentMethods },
  ...readRoutes(customerKind),
  { method: 'post', path: '/v1/customers', answer: create },
  { method: 'post', path: '/v1/customers/:id', answer: change },
  { method: 'delete', path: '/v1/customers/:id', answer: remove },
];

/** What a customer pays with unless it is told otherwise. */
export function defaultMethodOf(state: State, customerId: string): string | null {
  return textOf(partOf(state.told.get(customerId) ?? {}, 'invoice_settings'), 'default_payment_method') ?? null;
}

function list(call: Call): object {
  const living = [...call.state.customers.values()].filter(({ deleted }) => !deleted).reverse();
  return answerList(call, customerKind, living.map((customer) => shown(call.state, customerKind, customer)));
}

function listPaymentMethods(call: Call): object {
  const { id } = find(call, customerKind);
  const methods = [...call.state.paymentMethods.values()].filter(({ customerId }) => customerId === id).reverse();
  return answerList(call, paymentMethodKind, methods.map((method) => shown(call.state, paymentMethodKind, method)));
}

function create({ state, params }: Call): StripeObject {
  const id = state.newId('customer');
  tell(state, id, params);
  const customer = createCustomer(requestedStep(state), { id, email: textOf(params, 'email') ?? null, name: textOf(params, 'name') ?? null });
  const given = textOf(params, 'payment_method') ?? textOf(params, 'source');
  if (given != null) payWith(state, id, attachTo(state, paymentMethodOf(state, given), id).id);
  return shown(state, customerKind, customer);
}

function payWith(state: State, customerId: string, method: string): void {
  const settings = { custom_fields: null, default_payment_method: method, footer: null, rendering_options: null };
  state.told.set(customerId, { ...state.told.get(customerId), invoice_settings: settings });
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const customer = find(call, customerKind);
  const render = () => renderCustomer(state, customer);
  update(requestedStep(state), { type: 'customer.updated', id: customer.id, render, params, change: () => changeRecord(state, customer, params) });
  return shown(state, customerKind, customer);
}

function changeRecord(state: State, customer: Customer, params: Params): void {
  const [email, name] = [textOf(params, 'email'), textOf(params, 'name')];
  if (email !== undefined) customer.email = email;
  if (name !== undefined) customer.name = name;
  const method = textOf(partOf(params, 'invoice_settings'), 'default_payment_method');
  if (method != null) payWith(state, customer.id, paymentMethodOf(state, method).id);
}

function remove(call: Call): StripeObject {
  const { state } = call;
  const customer = find(call, customerKind);
  deleteCustomer(requestedStep(state), customer);
  state.told.delete(customer.id);
  return shown(state, customerKind, customer);
}
