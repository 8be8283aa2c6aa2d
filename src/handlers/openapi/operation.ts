import type { Route } from '../http/route.ts';
import { codesOf, errorAnswers } from './error-answers.ts';
import { exampleOf } from './examples.ts';
import { operationIdOf, pascal, tagOf, templateOf } from './names.ts';
import { type Json, type JsonObject, partOf, refersTo, type Schemas, textsOf } from './schemas.ts';

/** What the operations of a document share: each schema and each error answer is written once. */
export type Shared = { schemas: Schemas; responses: Record<string, JsonObject> };

/** A route as an OpenAPI operation: everything in it is told by the route itself. */
export function operationOf(route: Route, shared: Shared): JsonObject {
  const answer = route.answers.body === null ? null : shared.schemas.of(route.answers.body, 'output');
  const owner = answer === null ? pascal(tagOf(route.path).replaceAll(' ', '-')).replace(/s$/, '') : ownerOf(answer);
  const operationId = operationIdOf(route, answer !== null && 'pagination' in partOf(answer, 'properties'));
  return {
    operationId,
    summary: route.summary,
    tags: [tagOf(route.path)],
    ...accessOf(route),
    parameters: [...pathParameters(route.path, owner), ...inputParameters(route, shared), ...headerParameters(route)],
    ...bodyOf(route, { operationId, owner }, shared),
    responses: { ...successOf(route, answer, shared.schemas.components), ...errorAnswers(codesOf(route), shared.responses) },
  };
}

/** The component that an answer shows: its examples are told as of that one. */
function ownerOf(answer: JsonObject): string {
  const found = JSON.stringify(answer).match(/"#\/components\/schemas\/(\w+)"/);
  return found?.[1] ?? '';
}

function accessOf({ access }: Route): JsonObject {
  if ('open' in access) return { security: [], description: 'Needs no key.' };
  const { permission, license } = access;
  const byKey = `An API key needs the scope \`${permission}\`.`;
  if (license === undefined) return { security: [{ apiKey: [permission] }], description: byKey };
  return { security: [{ apiKey: [permission] }, { license: [] }], description: `${byKey} An installed app calls it with the key of its own license.` };
}

function pathParameters(path: string, owner: string): JsonObject[] {
  return templateOf(path).parameters.map((name) => ({
    name, in: 'path', required: true, schema: { type: 'string' }, example: exampleOf({ type: 'string' }, { owner, field: name, kind: 'request' }, {}),
  }));
}

/** The input of a GET is its query. */
function inputParameters({ method, input }: Route, { schemas }: Shared): JsonObject[] {
  if (method !== 'get') return [];
  const query = schemas.of(input, 'input');
  const required = textsOf(query['required']);
  return Object.entries(partOf(query, 'properties')).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}

function headerParameters({ method, access }: Route): JsonObject[] {
  return method === 'post' && 'permission' in access ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : [];
}

function bodyOf({ method, input }: Route, { operationId, owner }: { operationId: string; owner: string }, { schemas }: Shared): JsonObject {
  const schema = schemas.of(input, 'input');
  if (method === 'get' || Object.keys(partOf(schema, 'properties')).length === 0) return {};
  const name = `${operationId.charAt(0).toUpperCase()}${operationId.slice(1)}Request`;
  schemas.components[name] = schema;
  const example = exampleOf(schema, { owner, field: '', kind: 'request' }, schemas.components);
  return {
    requestBody: { required: textsOf(schema['required']).length > 0, content: { 'application/json': { schema: { $ref: refersTo(name) }, example } } },
  };
}

function successOf(route: Route, schema: JsonObject | null, components: Schemas['components']): JsonObject {
  const { status, also, headers = {} } = route.answers;
  const described = (description: string): JsonObject => ({
    description,
    headers: { ...sharedHeaders(route), ...Object.fromEntries(Object.entries(headers).map(([name, about]) => [name, { description: about, schema: { type: 'string' } }])) },
    ...(schema && { content: { 'application/json': { schema, example: exampleOf(schema, { owner: '', field: '', kind: 'answer' }, components) } } }),
  });
  return { [String(status)]: described(schema === null ? 'Done.' : route.summary), ...(also && { [String(also.status)]: described(also.when) }) };
}

function sharedHeaders({ method, access }: Route): Record<string, Json> {
  const names = ['X-Request-Id', 'X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];
  if (method === 'post' && 'permission' in access) names.push('Idempotent-Replayed');
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
