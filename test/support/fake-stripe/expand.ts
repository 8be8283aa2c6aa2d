import { badParameter } from './api-error.ts';
import { embeddedList, type List } from './list.ts';
import { isRecord } from './previous-attributes.ts';
import { renderCheckoutSession, renderLineItems } from './render-checkout-session.ts';
import { showCustomer } from './render-customer.ts';
import { renderInvoice } from './render-invoice.ts';
import { paymentsOf, renderInvoicePayment } from './render-invoice-payment.ts';
import { renderCharge, renderPaymentIntent } from './render-payment.ts';
import { renderProduct } from './render-catalog.ts';
import { refundsOf, renderDispute, renderRefund } from './render-refund.ts';
import { renderSubscription } from './render-subscription.ts';
import type { State, StripeObject } from './state.ts';
import { show } from './step.ts';

/** Puts objects in the place of their ids, where `paths` (`latest_invoice`, `lines.data.price.product`) ask for it. */
export function expand(state: State, object: unknown, paths: string[]): unknown {
  return paths.reduce((expanded, path) => expandPath(state, expanded, path.split('.')), object);
}

function expandPath(state: State, value: unknown, [name, ...rest]: string[]): unknown {
  if (name === undefined) return value;
  if (Array.isArray(value)) return value.map((entry: unknown) => expandPath(state, entry, [name, ...rest]));
  if (!isRecord(value)) return value;
  return { ...value, [name]: expandPath(state, open(state, value, name), rest) };
}

/** What stands behind a field: the object its id names, the list it leaves out, or what it holds already. */
function open(state: State, holder: Record<string, unknown>, name: string): unknown {
  const held = holder[name];
  const left = leftOut[name]?.(state, String(holder['id']));
  if (left !== undefined) return left;
  const found = typeof held === 'string' ? findObject(state, held) : held;
  if (found === undefined) throw badParameter('expand', `This property cannot be expanded (${name}).`);
  return found;
}

/** The lists that an object leaves out unless they are asked for; null where its shape has no such list. */
const leftOut: Record<string, (state: State, id: string) => List | null | undefined> = {
  line_items: (state, id) => {
    const session = state.sessions.get(id);
    return session && embeddedList(renderLineItems(state, session), `/v1/checkout/sessions/${id}/line_items`);
  },
  payments: (state, id) => {
    const invoice = state.invoices.get(id);
    if (invoice === undefined) return undefined;
    const payments = paymentsOf(state, invoice);
    return payments ? embeddedList(payments.map((payment) => renderInvoicePayment(state, payment)), `/v1/invoice_payments?invoice=${id}`) : null;
  },
  refunds: (state, id) => {
    const charge = state.charges.get(id);
    return charge && embeddedList(refundsOf(state, charge).map((refund) => renderRefund(state, refund)), `/v1/charges/${id}/refunds`);
  },
};

function findObject(state: State, id: string): StripeObject | undefined {
  return (
    rendered(state, state.customers, id, showCustomer) ??
    rendered(state, state.subscriptions, id, renderSubscription) ??
    rendered(state, state.invoices, id, renderInvoice) ??
    rendered(state, state.sessions, id, renderCheckoutSession) ??
    rendered(state, state.paymentIntents, id, renderPaymentIntent) ??
    rendered(state, state.charges, id, renderCharge) ??
    rendered(state, state.refunds, id, renderRefund) ??
    rendered(state, state.disputes, id, renderDispute) ??
    rendered(state, state.products, id, renderProduct) ??
    state.others.get(id)
  );
}

function rendered<Kept>(state: State, records: Map<string, Kept>, id: string, render: (state: State, record: Kept) => StripeObject) {
  const record = records.get(id);
  return record === undefined ? undefined : show(state, render(state, record));
}
