import express, { type Express, type Request } from 'express';
import { badParameter, noRoute, noSuch } from './api-error.ts';
import { expand } from './expand.ts';
import { answerError, type Gate, passGate } from './gate.ts';
import { pageOf } from './list.ts';
import { renderCheckoutSession, renderLineItems } from './render-checkout-session.ts';
import { renderCustomer } from './render-customer.ts';
import { renderInvoice } from './render-invoice.ts';
import { renderInvoiceLine } from './render-invoice-line.ts';
import { renderSubscription } from './render-subscription.ts';
import type { FakeEvent, State, StripeObject } from './state.ts';

const MOST_TYPES = 20;
const EVENT_LIFE_S = 30 * 86_400;

/** The part of Stripe's API that Tillkey reads. */
export function stripeApi(state: State, gate: Gate): Express {
  const app = express().disable('x-powered-by').disable('etag').use(passGate(gate, state));
  const kinds = kindsOf(state);
  retrieve(app, '/v1/subscriptions', state, kinds.subscription);
  retrieve(app, '/v1/invoices', state, kinds.invoice);
  retrieve(app, '/v1/checkout/sessions', state, kinds.session);
  retrieve(app, '/v1/customers', state, kinds.customer);
  retrieve(app, '/v1/events', state, kinds.event);
  app.get('/v1/invoices/:id/lines', (request, response) => {
    const invoice = find(kinds.invoice, request);
    const lines = invoice.lines.map((line) => renderInvoiceLine(state, invoice, line));
    response.json(answerPage(state, request, pageOf(lines, 'line item', queryOf(request))));
  });
  app.get('/v1/checkout/sessions/:id/line_items', (request, response) => {
    const items = renderLineItems(state, find(kinds.session, request));
    response.json(answerPage(state, request, pageOf(items, 'item', queryOf(request))));
  });
  app.get('/v1/events', (request, response) => {
    const newestFirst = recentEvents(state).reverse();
    const query = queryOf(request);
    response.json(answerPage(state, request, pageOf(newestFirst, 'event', query, isOfTypes(query))));
  });
  app.get('/v1/subscriptions', (request, response) => {
    const query = queryOf(request);
    const asked = query.get('status') ?? 'not canceled';
    const newestFirst = [...state.subscriptions.values()].reverse().map((subscription) => renderSubscription(state, subscription));
    const isAsked = ({ status }: StripeObject) => asked === 'all' || status === asked || (asked === 'not canceled' && status !== 'canceled');
    response.json(answerPage(state, request, pageOf(newestFirst, 'subscription', query, isAsked)));
  });
  app.use((request) => {
    throw noRoute(request.method, request.path);
  });
  return app.use(answerError);
}

/** A kind of object: what Stripe calls it and its id, where it is kept, and how it looks. */
type Kind<Kept> = { noun: string; param: string; get: (id: string) => Kept | undefined; render: (state: State, record: Kept) => StripeObject };

function kindsOf(state: State) {
  const kind = <Kept>(noun: string, param: string, records: Map<string, Kept>, render: Kind<Kept>['render']): Kind<Kept> => ({
    noun, param, get: (id) => records.get(id), render,
  });
  const event: Kind<FakeEvent> = { noun: 'event', param: 'id', get: (id) => recentEvents(state).find((kept) => kept.id === id), render: (_, kept) => kept };
  return {
    subscription: kind('subscription', 'id', state.subscriptions, renderSubscription),
    invoice: kind('invoice', 'invoice', state.invoices, renderInvoice),
    session: kind('checkout.session', 'session', state.sessions, renderCheckoutSession),
    customer: kind('customer', 'id', state.customers, renderCustomer),
    event,
  };
}

function retrieve<Kept>(app: Express, path: string, state: State, kind: Kind<Kept>): void {
  app.get(`${path}/:id`, (request, response) => {
    response.json(expand(state, kind.render(state, find(kind, request)), valuesOf(queryOf(request), 'expand')));
  });
}

function find<Kept>({ noun, param, get }: Kind<Kept>, request: Request): Kept {
  const id = String(request.params['id']);
  const record = get(id);
  if (record === undefined) throw noSuch(noun, id, param);
  return record;
}

function answerPage(state: State, request: Request, page: { data: StripeObject[]; has_more: boolean }): unknown {
  return expand(state, { object: 'list', ...page, url: request.path }, valuesOf(queryOf(request), 'expand'));
}

/** Stripe tells of an event, as it was rendered when it happened, for thirty days. */
function recentEvents({ events, now }: State): FakeEvent[] {
  const oldest = now().getTime() / 1000 - EVENT_LIFE_S;
  return events.filter(({ created }) => created >= oldest);
}

/** Whether an event is of the types asked for; `invoice.*` asks for several, and no type for all. */
function isOfTypes(query: URLSearchParams): (event: StripeObject) => boolean {
  const types = [...valuesOf(query, 'type'), ...valuesOf(query, 'types')];
  if (types.length > MOST_TYPES) throw badParameter('types', `You may pass at most ${MOST_TYPES} event types.`);
  const matches = (asked: string, type: string) => asked === type || (asked.endsWith('*') && type.startsWith(asked.slice(0, -1)));
  return ({ type }) => types.length === 0 || types.some((asked) => matches(asked, String(type)));
}

function queryOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'http://localhost').searchParams;
}

/** All values of a parameter, written `name`, `name[]` or `name[0]`. */
function valuesOf(query: URLSearchParams, name: string): string[] {
  return [...query].filter(([key]) => key === name || key.startsWith(`${name}[`)).map(([, value]) => value);
}
