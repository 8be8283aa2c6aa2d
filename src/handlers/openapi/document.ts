import type { Route } from '../http/route.ts';
import { exampleOf } from './examples.ts';
import { templateOf } from './names.ts';
import { operationOf, type Shared } from './operation.ts';
import { pagePaths } from './pages.ts';
import { createSchemas, type JsonObject } from './schemas.ts';

const about = `Licenses for what you sell: made by hand or by a Stripe purchase, asked about by your apps.

**Who calls.** The management API takes \`Authorization: Bearer lk_live_…\` or \`lk_test_…\`; a test key sees only test data, a live
key only live. An installed app acts on its own license with \`Authorization: License <key>\`.

**Answers.** One resource is \`{data}\`, a list \`{data, pagination}\`, newest first: pass \`nextCursor\` as \`cursor\` for the next page.
An error is \`{error, code, details?, requestId}\`. Fields may be added to answers; unknown fields in a request are refused.

**Again.** A POST with an \`Idempotency-Key\` can be sent again within 24 hours: it gets the first answer and changes nothing.

**Webhooks.** An endpoint of \`/webhooks\` is sent each event it listens to as a POST whose body is an \`Event\`, signed after
[Standard Webhooks](https://www.standardwebhooks.com). Any 2xx within 15 seconds is a success; everything else is tried ten times over three days.

**Time.** Live data goes by real time; test data by its test clock, where one was moved ahead with \`PUT /test-clock\`.

**Limits** are counted by the minute and told in \`X-RateLimit-*\`, where one is set.`;

const text = (description: string): JsonObject => ({ description, schema: { type: 'string' } });
const count = (description: string): JsonObject => ({ description, schema: { type: 'integer' } });

const headers: Record<string, JsonObject> = {
  'X-Request-Id': text('Names this request in our log'),
  'X-RateLimit-Limit': count('Requests a minute'),
  'X-RateLimit-Remaining': count('Requests left of them'),
  'X-RateLimit-Reset': count('When they are all back, in Unix seconds'),
  'Idempotent-Replayed': text('`true` when this is the answer to an earlier request with the same Idempotency-Key'),
  'Retry-After': count('Seconds to wait'),
  'WWW-Authenticate': text('The scheme to send'),
};

const errorSchema: JsonObject = {
  type: 'object',
  required: ['error', 'code', 'requestId'],
  properties: {
    error: { type: 'string', description: 'A sentence for people' },
    code: { type: 'string', description: 'For programs' },
    details: { type: 'object', description: '`issues`, the faults of a request, or the numbers of a limit' },
    requestId: { type: 'string', format: 'uuid' },
  },
};

const securitySchemes: JsonObject = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer lk_live_…` or `lk_test_…`' },
  license: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'The key of a license, by the app it is installed in: `License PREFIX-XXXX-XXXX-XXXX-XXXX`' },
};

const idempotencyKey: JsonObject = {
  name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', minLength: 1, maxLength: 255 },
  description: 'With an API key: the same key and request within 24 hours gets the first answer again',
};

/** The OpenAPI 3.1 document of these routes, from the schemas that check their requests. */
export function documentOf(routes: Route[], { publicUrl }: { publicUrl: string | undefined }): JsonObject & { paths: Record<string, JsonObject> } {
  const shared: Shared = { schemas: createSchemas(), responses: {} };
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const { template } = templateOf(route.path);
    paths[template] = { ...paths[template], [route.method]: operationOf(route, shared) };
  }
  Object.assign(paths, pagePaths(shared));
  const components = shared.schemas.components;
  return {
    openapi: '3.1.1',
    info: { title: 'Tillkey', version: '1', summary: 'From the till to the key', description: about, license: { name: 'MIT' } },
    servers: [{ url: '/', description: 'Where this document is' }, ...(publicUrl === undefined ? [] : [{ url: publicUrl }])],
    tags: tagsOf(paths),
    paths,
    components: { schemas: { Error: errorSchema, ...withExamples(components) }, responses: shared.responses, headers, parameters: { IdempotencyKey: idempotencyKey }, securitySchemes },
  };
}

function withExamples(components: Record<string, JsonObject>): Record<string, JsonObject> {
  return Object.fromEntries(Object.entries(components).map(([name, schema]) => {
    const shown = name.endsWith('Request') ? schema : { ...schema, examples: [exampleOf(schema, { owner: name, field: '', kind: 'answer' }, components)] };
    return [name, shown];
  }));
}

function tagsOf(paths: Record<string, JsonObject>): JsonObject[] {
  const tags = Object.values(paths).flatMap((operations) => Object.values(operations).flatMap((operation) => (operation instanceof Object && 'tags' in operation ? operation.tags : [])));
  return [...new Set(tags)].filter((tag) => typeof tag === 'string').map((name) => ({ name }));
}
