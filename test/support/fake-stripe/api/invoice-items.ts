import { badParameter } from '../api-error.ts';
import { createInvoiceItem, linesOfItems } from '../invoice-items.ts';
import { renderInvoiceItem } from '../render-invoice-line.ts';
import type { InvoiceItem, State, StripeObject } from '../state.ts';
import { emit, requestedStep, type Step } from '../step.ts';
import { priceForAmount, priceOf } from './catalog.ts';
import { customerKind } from './customers.ts';
import { integerOf, type Params, partOf, requiredText, textOf } from './params.ts';
import { type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { tell, update } from './tell.ts';

const kind: Kind<InvoiceItem> = {
  path: '/v1/invoiceitems',
  noun: 'invoiceitem',
  param: 'invoiceitem',
  records: ({ invoiceItems }) => invoiceItems,
  render: renderInvoiceItem,
  filters: ['customer', 'invoice'],
};

export const invoiceItemRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/invoiceitems/:id', answer: change },
  { method: 'delete', path: '/v1/invoiceitems/:id', answer: remove },
];

function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const { id: customerId } = named(state, customerKind, requiredText(params, 'customer'), 'customer');
  const subscriptionId = textOf(params, 'subscription') ?? null;
  const item = createInvoiceItem(step, { customerId, subscriptionId, ...billedIn(step, params), ...periodIn(params) });
  tell(state, item.id, params);
  const invoice = textOf(params, 'invoice');
  if (invoice != null) addToInvoice(state, item, invoice);
  return shown(state, kind, item);
}

/** A price and how many, or an amount. */
function billedIn(step: Step, params: Params): Pick<InvoiceItem, 'priceId' | 'quantity'> & { description?: string } {
  const amount = integerOf(params, 'amount');
  const description = textOf(params, 'description');
  const priceId = amount === undefined ? priceOf(step, params) : priceForAmount(step, amount, description ?? 'Something else');
  return { priceId, quantity: integerOf(params, 'quantity') ?? 1, ...(description != null && { description }) };
}

function periodIn(params: Params): Partial<Pick<InvoiceItem, 'period'>> {
  const period = partOf(params, 'period');
  const [start, end] = [integerOf(period, 'start'), integerOf(period, 'end')];
  return start === undefined || end === undefined ? {} : { period: { start, end } };
}

function addToInvoice(state: State, item: InvoiceItem, invoiceId: string): void {
  const invoice = state.invoices.get(invoiceId);
  if (invoice?.status !== 'draft') throw badParameter('invoice', 'Invoice items can only be added to a draft invoice.');
  item.invoiceId = invoice.id;
  invoice.lines.push(...linesOfItems(state, [item]));
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const item = find(call, kind);
  const render = () => renderInvoiceItem(state, item);
  update(requestedStep(state), { type: 'invoiceitem.updated', id: item.id, render, params });
  return shown(state, kind, item);
}

function remove(call: Call): StripeObject {
  const { state } = call;
  const item = find(call, kind);
  if (item.invoiceId !== null) throw badParameter('invoiceitem', 'This invoice item is on an invoice already.');
  state.invoiceItems.delete(item.id);
  emit(requestedStep(state), 'invoiceitem.deleted', renderInvoiceItem(state, item));
  return { id: item.id, object: 'invoiceitem', deleted: true };
}
