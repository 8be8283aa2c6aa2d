import { badParameter } from '../api-error.ts';
import { addToNextInvoice, billCustomer } from '../bill-customer.ts';
import { finalizeInvoice } from '../invoicing.ts';
import { type LineItem, recordOf, type StripeObject } from '../state.ts';
import { requestedStep, type Step } from '../step.ts';
import { collectInvoice, createSubscription } from '../subscription.ts';
import { priceOf } from './catalog.ts';
import { customerKind, defaultMethodOf } from './customers.ts';
import { changeOther, keepOther, otherKind } from './others.ts';
import { integerOf, type Params, partsOf, requiredText, shownAs, textOf } from './params.ts';
import { outcomeOf } from './payment-intents.ts';
import { behaviorOf } from './payment-methods.ts';
import { type Call, find, named, readRoutes, type Route } from './route.ts';

const PATH = '/v1/quotes';
const kind = otherKind({ path: PATH, object: 'quote' });

export const quoteRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: PATH, answer: create },
  { method: 'post', path: `${PATH}/:id`, answer: (call) => changeOther(call, kind, 'quote.updated', shownAs(call.params)) },
  { method: 'post', path: `${PATH}/:id/finalize`, answer: (call) => move(call, ['draft'], { status: 'open' }, 'finalized') },
  { method: 'post', path: `${PATH}/:id/cancel`, answer: (call) => move(call, ['draft', 'open'], { status: 'canceled' }, 'canceled') },
  { method: 'post', path: `${PATH}/:id/accept`, answer: accept },
];

function create(call: Call): StripeObject {
  const { state, params } = call;
  const step = requestedStep(state);
  const customer = named(state, customerKind, requiredText(params, 'customer'), 'customer');
  const lineItems = (partsOf(params, 'line_items') ?? []).map((item) => ({ id: state.newId('lineItem'), priceId: priceOf(step, item), quantity: integerOf(item, 'quantity') ?? 1 }));
  const { line_items: _given, ...said } = params;
  const quote = keepOther({ ...call, params: said }, { path: PATH, object: 'quote', idKind: 'quote', start: () => ({ customer: customer.id, invoice: null, status: 'draft', subscription: null }) });
  state.quoteItems.set(quote.id, lineItems);
  return quote;
}

function move(call: Call, from: string[], changes: Params, what: string): StripeObject {
  const { status } = find(call, kind);
  if (!from.includes(String(status))) throw badParameter('quote', `This quote is ${String(status)}, and only one that is ${from.join(' or ')} can be ${what}.`);
  return changeOther(call, kind, `quote.${what}`, changes);
}

/** What was agreed is sold: a subscription for what recurs, or else an invoice. */
function accept(call: Call): StripeObject {
  const quote = find(call, kind);
  const accepted = move(call, ['open'], { status: 'accepted' }, 'accepted');
  const sold = sell(requestedStep(call.state), quote, call.state.quoteItems.get(quote.id) ?? []);
  call.state.others.set(quote.id, { ...accepted, ...sold });
  return { ...accepted, ...sold };
}

function sell(step: Step, quote: StripeObject, lineItems: LineItem[]): Params {
  const { state } = step;
  const customer = recordOf(state.customers, textOf(quote, 'customer') ?? '');
  const paymentMethodId = defaultMethodOf(state, customer.id);
  const outcome = outcomeOf(behaviorOf(state, paymentMethodId));
  if (lineItems.some(({ priceId }) => recordOf(state.prices, priceId).interval !== null)) {
    const subscription = createSubscription(step, customer, { lineItems, paymentMethodId, outcome });
    return { subscription: subscription.id, invoice: subscription.latestInvoiceId };
  }
  addToNextInvoice(step, customer, lineItems);
  const invoice = billCustomer(step, customer, { quoteId: quote.id });
  finalizeInvoice(step, invoice);
  collectInvoice(step, invoice, outcome);
  return { invoice: invoice.id };
}
