import type { Route } from '../http/route.ts';

/** What the routes are called in the document, made from method and path, so that a new route has a name by itself. */

type Place = Pick<Route, 'method' | 'path'>;

/** Where the house has a better word, or the rule would give two paths one name. */
const exceptions: Record<string, string> = {
  'post /api/v1/machines': 'activateMachine',
  'delete /api/v1/machines/:id': 'deactivateMachine',
  'post /api/v1/stripe-events/replay': 'replayStripeEvents',
  'post /api/v1/stripe-mappings/preview': 'previewStripeEvent',
  'put /api/v1/test-clock': 'moveTestClock',
  'delete /api/v1/test-clock': 'endTestClock',
  'get /public-keys': 'listRootPublicKeys',
  'get /.well-known/jwks.json': 'readJwks',
};

const verbs = { get: 'read', post: 'create', put: 'put', patch: 'update', delete: 'delete' } as const;
/** What is put into and taken out of a thing by a path below it. */
const contained = new Set(['entitlements']);

/** `createProduct`, `listProducts`, `suspendLicense`, `rotateLicenseKey`, `addPolicyEntitlements`: stable and unique. */
export function operationIdOf({ method, path }: Place, isList: boolean): string {
  const exception = exceptions[`${method} ${path}`];
  if (exception !== undefined) return exception;
  const [resource = '', ...below] = path.replace(/^\/api\/v1/, '').split('/').filter((part) => part !== '');
  const action = below.find((part) => !part.startsWith(':')) ?? null;
  if (action === null) return isList ? `list${pascal(resource)}` : verbs[method] + singular(resource);
  if (contained.has(action)) return `${{ ...verbs, get: 'list', post: 'add', delete: 'remove' }[method]}${singular(resource)}${pascal(action)}`;
  if (method !== 'post') return (isList ? 'list' : verbs[method]) + singular(resource) + pascal(action);
  const [verb = '', ...rest] = action.split('-');
  return verb + singular(resource) + pascal(rest.join('-'));
}

/** The resource a path is about, as a heading: `Stripe mappings`. */
export function tagOf(path: string): string {
  const resource = path.replace(/^\/api\/v1/, '').split('/')[1] ?? '';
  if (resource.startsWith('.')) return 'Public keys';
  return (resource.charAt(0).toUpperCase() + resource.slice(1)).replaceAll('-', ' ').replace(/^Api\b/, 'API');
}

/** A path as OpenAPI writes it, and the names of its parameters. */
export function templateOf(path: string): { template: string; parameters: string[] } {
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  return { template: path.replace(/:(\w+)/g, '{$1}'), parameters };
}

export function pascal(words: string): string {
  return words.split('-').filter((word) => word !== '').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function singular(resource: string): string {
  return pascal(resource).replace(/ies$/, 'y').replace(/([^s])s$/, '$1');
}
