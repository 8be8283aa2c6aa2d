import { badParameter } from '../api-error.ts';
import type { State, StripeObject } from '../state.ts';
import { flagOf, type Params, requiredText, shownAs, textsOf } from './params.ts';
import { type Call, find, readRoutes, type Route } from './route.ts';
import { otherKind } from './others.ts';

const kind = { ...otherKind({ path: '/v1/webhook_endpoints', object: 'webhook_endpoint' }), noun: 'webhook endpoint', param: 'webhook_endpoint' };

/** Stripe emits nothing of its endpoints. */
export const webhookEndpointRoutes: Route[] = [
  ...readRoutes(kind),
  { method: 'post', path: kind.path, answer: create },
  { method: 'post', path: '/v1/webhook_endpoints/:id', answer: change },
  { method: 'delete', path: '/v1/webhook_endpoints/:id', answer: remove },
];

/** Registers an endpoint for events of some types, `*` for all. */
export function registerEndpoint(state: State, { url, secret, types, said = {} }: { url: string; secret: string; types: string[]; said?: Params }): StripeObject {
  const id = state.newId('webhookEndpoint');
  const endpoint: StripeObject = {
    id,
    object: 'webhook_endpoint',
    api_version: null,
    application: null,
    created: Math.floor(state.now().getTime() / 1000),
    description: null,
    livemode: state.livemode,
    metadata: {},
    ...said,
    enabled_events: types,
    status: 'enabled',
    url,
  };
  state.others.set(id, endpoint);
  state.endpointSecrets.set(id, secret);
  return endpoint;
}

/** The endpoints that an event goes to. */
export function endpointsFor(state: State, type: string): { url: string; secret: string }[] {
  const enabled = [...state.others.values()].filter((other) => other.object === 'webhook_endpoint' && other['status'] === 'enabled');
  const takers = enabled.filter(({ enabled_events: types }) => Array.isArray(types) && (types.includes('*') || types.includes(type)));
  return takers.map(({ id, url }) => ({ url: String(url), secret: state.endpointSecrets.get(id) ?? '' }));
}

/** The secret is shown this once. */
function create({ state, params }: Call): StripeObject {
  const types = textsOf(params, 'enabled_events');
  if (!types) throw badParameter('enabled_events', 'Missing required param: enabled_events.');
  const secret = state.newId('secret');
  return { ...registerEndpoint(state, { url: requiredText(params, 'url'), secret, types, said: saidIn(params) }), secret };
}

function change(call: Call): StripeObject {
  const { state, params } = call;
  const [disabled, types] = [flagOf(params, 'disabled'), textsOf(params, 'enabled_events')];
  const endpoint: StripeObject = {
    ...find(call, kind),
    ...saidIn(params),
    ...(types && { enabled_events: types }),
    ...(disabled !== undefined && { status: disabled ? 'disabled' : 'enabled' }),
  };
  state.others.set(endpoint.id, endpoint);
  return endpoint;
}

/** What is shown of an endpoint as it is said. */
function saidIn(params: Params): Params {
  return Object.fromEntries(Object.entries(shownAs(params)).filter(([name]) => ['api_version', 'description', 'metadata', 'url'].includes(name)));
}

function remove(call: Call): StripeObject {
  const { id } = find(call, kind);
  call.state.others.delete(id);
  return { id, object: 'webhook_endpoint', deleted: true };
}
