import { ApiError, badParameter } from '../api-error.ts';
import { linesOfItems, waitingItems } from '../invoice-items.ts';
import { draftInvoice, finalizeInvoice, markUncollectible, payOutOfBand, voidInvoice } from '../invoicing.ts';
import { renderInvoice } from '../render-invoice.ts';
import { renderInvoiceLine } from '../render-invoice-line.ts';
import { renderInvoicePayment } from '../render-invoice-payment.ts';
import { renderPaymentIntent } from '../render-payment.ts';
import { type Invoice, type InvoicePayment, recordOf, type State, type StripeObject } from '../state.ts';
import { emit, requestedStep, show, type Step } from '../step.ts';
import { collectInvoice } from '../subscription.ts';
import { customerKind, defaultMethodOf } from './customers.ts';
import { flagOf, type Params, requiredText, textOf } from './params.ts';
import { afterPayment, cardDeclined, outcomeOf } from './payment-intents.ts';
import { behaviorOf, paymentMethodOf } from './payment-methods.ts';
import { answerList, type Call, find, type Kind, named, readRoutes, type Route, shown } from './route.ts';
import { tell, update } from './tell.ts';

const kind: Kind<Invoice> = {
  path: '/v1/invoices',
  noun: 'invoice',
  param: 'invoice',
  records: ({ invoices }) => invoices,
  render: renderInvoice,
  filters: ['customer', 'status', 'collection_method'],
};

const paymentKind: Kind<InvoicePayment> = {
  path: '/v1/invoice_payments',
  noun: 'invoice_payment',
  param: 'invoice_payment',
  records: ({ invoicePayments }) => invoicePayments,
  render: renderInvoicePayment,
  filters: ['invoice', 'status'],
};

export const invoiceRoutes: Route[] = [
  { method: 'get', path: kind.path, answer: list },
  ...readRoutes(kind),
  { method: 'get', path: '/v1/invoices/:id/lines', answer: listLines },
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/invoices/:id', answer: change },
  { method: 'delete', path: '/v1/invoices/:id', answer: remove },
  { method: 'post', path: '/v1/invoices/:id/finalize', answer: (call) => move(call, ['draft'], finalizeInvoice) },
  { method: 'post', path: '/v1/invoices/:id/pay', answer: pay },
  { method: 'post', path: '/v1/invoices/:id/send', answer: send },
  { method: 'post', path: '/v1/invoices/:id/void', answer: (call) => move(call, ['open', 'uncollectible'], voidInvoice) },
  { method: 'post', path: '/v1/invoices/:id/mark_uncollectible', answer: (call) => move(call, ['open'], markUncollectible) },
  { method: 'get', path: paymentKind.path, answer: listPayments },
  ...readRoutes(paymentKind),
];

function list(call: Call): object {
  const subscription = call.query.get('subscription');
  const asked = [...call.state.invoices.values()].filter(({ subscriptionId }) => subscription === null || subscriptionId === subscription);
  return answerList(call, kind, asked.reverse().map((invoice) => shown(call.state, kind, invoice)));
}

function listLines(call: Call): object {
  const invoice = find(call, kind);
  const lines = invoice.lines.map((line) => renderInvoiceLine(call.state, invoice, line));
  return answerList(call, { noun: 'line item', filters: [] }, lines);
}

/** Of one invoice, or of one payment. */
function listPayments(call: Call): object {
  const intent = call.query.get('payment[payment_intent]');
  const asked = [...call.state.invoicePayments.values()].filter(({ paymentIntentId }) => intent === null || paymentIntentId === intent);
  return answerList(call, paymentKind, asked.reverse().map((payment) => shown(call.state, paymentKind, payment)));
}

/** A draft of what waits to be billed, unless it is told to leave that out. */
function create({ state, params }: Call): StripeObject {
  const step = requestedStep(state);
  const { id: customerId } = named(state, customerKind, requiredText(params, 'customer'), 'customer');
  const subscriptionId = textOf(params, 'subscription') ?? null;
  const waiting = textOf(params, 'pending_invoice_items_behavior') === 'include' || subscriptionId !== null ? waitingItems(state, { customerId, subscriptionId }) : [];
  const id = state.newId('invoice');
  tell(state, id, params);
  const invoice = draftInvoice(step, {
    id,
    customerId,
    subscriptionId,
    billingReason: 'manual',
    autoAdvance: flagOf(params, 'auto_advance') ?? false,
    collection: textOf(params, 'collection_method') === 'send_invoice' ? 'send_invoice' : 'charge_automatically',
    period: { start: step.at, end: step.at },
    lines: linesOfItems(state, waiting),
  });
  for (const item of waiting) item.invoiceId = invoice.id;
  return shown(state, kind, invoice);
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const invoice = find(call, kind);
  update(requestedStep(state), { type: 'invoice.updated', id: invoice.id, render: () => renderInvoice(state, invoice), params });
  return shown(state, kind, invoice);
}

/** Only a draft can be deleted. What it billed waits again. */
function remove(call: Call): StripeObject {
  const { state } = call;
  const invoice = inStatus(find(call, kind), ['draft']);
  emit(requestedStep(state), 'invoice.deleted', renderInvoice(state, invoice));
  for (const item of state.invoiceItems.values()) if (item.invoiceId === invoice.id) item.invoiceId = null;
  state.invoices.delete(invoice.id);
  return { id: invoice.id, object: 'invoice', deleted: true };
}

function move(call: Call, from: Invoice['status'][], transition: (step: Step, invoice: Invoice) => void): StripeObject {
  const invoice = inStatus(find(call, kind), from);
  transition(requestedStep(call.state), invoice);
  return shown(call.state, kind, invoice);
}

function inStatus(invoice: Invoice, allowed: Invoice['status'][]): Invoice {
  if (!allowed.includes(invoice.status)) throw badParameter('invoice', `This invoice is ${invoice.status}, and only one that is ${allowed.join(' or ')} can be changed so.`);
  return invoice;
}

/** Stripe mails a draft that is finalized by this, and an open invoice again. */
function send(call: Call): StripeObject {
  const { state } = call;
  const invoice = inStatus(find(call, kind), ['draft', 'open']);
  const step = requestedStep(state);
  const draft = invoice.status === 'draft';
  if (draft) finalizeInvoice(step, invoice);
  if (!draft || invoice.collection !== 'send_invoice') emit(step, 'invoice.sent', renderInvoice(state, invoice));
  return shown(state, kind, invoice);
}

/** A draft is finalized first. */
function pay(call: Call): StripeObject {
  const { state, params } = call;
  const invoice = inStatus(find(call, kind), ['draft', 'open', 'uncollectible']);
  const step = requestedStep(state);
  if (invoice.status === 'draft') finalizeInvoice(step, invoice);
  if (flagOf(params, 'paid_out_of_band')) payOutOfBand(step, invoice);
  else collect(step, invoice, params);
  return shown(state, kind, invoice);
}

function collect(step: Step, invoice: Invoice, params: Params): void {
  const { state } = step;
  const given = textOf(params, 'payment_method');
  const method = given == null ? methodFor(state, invoice) : paymentMethodOf(state, given).id;
  const behavior = behaviorOf(state, method);
  const intent = invoice.paymentIntentId === null ? null : recordOf(state.paymentIntents, invoice.paymentIntentId);
  if (intent) intent.paymentMethodId = method;
  collectInvoice(step, invoice, outcomeOf(behavior));
  if (intent === null) return;
  afterPayment(step, intent, behavior);
  if (behavior === 'declined') throw cardDeclined({ payment_intent: show(state, renderPaymentIntent(state, intent)) });
  if (behavior === 'needs_action') throw actionRequired();
}

function methodFor(state: State, { customerId, subscriptionId }: Invoice): string | null {
  const ofSubscription = subscriptionId === null ? null : recordOf(state.subscriptions, subscriptionId).paymentMethodId;
  return ofSubscription ?? defaultMethodOf(state, customerId);
}

function actionRequired(): ApiError {
  return new ApiError(402, { code: 'invoice_payment_intent_requires_action', message: 'Payment for this invoice requires additional user action before it can be completed successfully.', type: 'card_error' });
}
