import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { storable } from '../../billing/core/stripe-shapes.ts';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';
import type { Permission } from '../../licensing/core/permission.ts';
import { granted } from './answer.ts';
import { type ApiKeyCaller, authenticateApiKey, authenticateLicense, type Caller, credential, type Directory } from './authenticate.ts';
import { answerOnce, type FirstAnswers } from './idempotency.ts';
import { limit, type Limits } from './limit.ts';
import { refuseUnstorable } from './parse.ts';
import type { Access, Answer, Route } from './route.ts';

export type MountDependencies = { limits: Limits; directory: Directory; firstAnswers: FirstAnswers; timeOf: (scope: Scope) => Promise<Date> };

/** Serves the routes. `takes`: the types of content that a body may have. */
export function mount(app: Express, routes: Route[], dependencies: MountDependencies, takes: readonly string[] = ['application/json']): void {
  for (const route of routes) {
    if ('open' in route.access) app.all(route.path, letAnySiteAsk);
    app[route.method](route.path, serve(route, dependencies, takes));
  }
}

/** What anybody may call, the page of any site may too, as apps made of web pages do: a browser sends nothing along that would let it in. */
const letAnySiteAsk: RequestHandler = (_request, response, next) => {
  response.set({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': 'Content-Type',
    'Access-Control-Expose-Headers': 'Tillkey-Signature, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After',
  });
  next();
};

/** Let in and count, read, answer. */
function serve(route: Route, dependencies: MountDependencies, takes: readonly string[]): RequestHandler {
  return async (request, response) => {
    const caller = await letIn(route.access, dependencies, request, response);
    const input = await readInput({ ...route, takes }, request, response);
    const params = Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)]));
    const { id = '' } = params;
    for (const [name, value] of Object.entries(params)) refuseUnstorable(value, [name]);
    refuseUnstorable(input);
    const checked = await route.checks?.(input);
    const answer = async () => {
      if (checked) granted(checked);
      return route.answer({ caller, id, params, input, timeOf: dependencies.timeOf });
    };
    const key = request.headers['idempotency-key'];
    const repeatable = route.method === 'post' && caller?.by === 'api-key' && key !== undefined;
    // Its rights are part of a request: an answer may show what another API key may not see.
    const keyed = repeatable ? { scope: caller.scope, key: String(key), request: [request.path, caller.scopes, input] } : null;
    await send(keyed ? await answerOnce(dependencies.firstAnswers, keyed, answer) : await answer(), route, response);
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';

async function send({ status, body, text, pieces, headers = {} }: Answer, { answers }: Route, response: Response): Promise<void> {
  response.status(status ?? answers.status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (pieces !== undefined) await sendPieces(response.req.method === 'HEAD' ? [] : pieces, response.setHeader('Content-Type', JSON_TYPE));
  else if (text !== undefined) response.setHeader('Content-Type', JSON_TYPE).end(text);
  else if (body === undefined) response.end();
  else response.json(body);
}

/** At the pace of whoever reads. An answer that fails under way is cut off, so that nobody takes it for whole; who hangs up is no failure. */
async function sendPieces(pieces: AsyncIterable<string> | [], response: Response): Promise<void> {
  await pipeline(Readable.from(pieces), response).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  });
}

/** Who calls, counted by what limits them; null where anybody may call. */
async function letIn(access: Access, { limits, directory }: MountDependencies, request: Request, response: Response): Promise<Caller | null> {
  const who = request.ip ?? 'unknown';
  if ('open' in access) {
    await limit(limits, { name: access.open, who }, response);
    return null;
  }
  const licenseKey = access.license === undefined ? null : credential(request, 'License');
  if (licenseKey !== null && access.license !== undefined) {
    await limit(limits, { name: access.license, who }, response);
    return authenticateLicense(licenseKey, directory);
  }
  const caller = await letInApiKey(access.permission, { limits, directory, who }, request, response);
  await limit(limits, { name: 'management', who: caller.apiKeyId }, response);
  return caller;
}

type Gate = { limits: Limits; directory: Directory; who: string };

/** Guessing keys is counted by address. */
async function letInApiKey(permission: Permission, { limits, directory, who }: Gate, request: Request, response: Response): Promise<ApiKeyCaller> {
  return authenticateApiKey(request, permission, directory).catch(async (refusal: unknown) => {
    await limit(limits, { name: 'other', who }, response);
    throw refusal;
  });
}

const type = () => true;
const ours = express.json({ limit: '1mb', type });
const FORM = 'application/x-www-form-urlencoded';
const form = express.urlencoded({ limit: '1mb', extended: false, type });
/** An event may be as large as the webhook takes it, with a little around it. Text that no database holds is mended as it is there. */
const stripeEvents = express.json({ limit: 2 * 1024 * 1024 + 1024, type, reviver: (_name, value: unknown) => (typeof value === 'string' ? storable(value) : value) });

type Reading = Route & { takes: readonly string[] };

/** The query of a GET, the body of anything else. */
async function readInput(route: Reading, request: Request, response: Response): Promise<unknown> {
  if (route.method === 'get') return { ...request.query };
  const body = await readBody(route, request, response);
  return route.mayStandInQuery && typeof body === 'object' ? { ...request.query, ...body } : body;
}

/** A body of a type that is taken; none at all counts as `{}`. */
async function readBody({ takesStripeEvent, takes }: Reading, request: Request, response: Response): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length ?? 0) === 0) return {};
  const sent = request.is([...takes]);
  if (sent === false || sent === null) throw new AppError('UNSUPPORTED_MEDIA_TYPE', 415, `Send the body as ${takes.join(' or ')}.`);
  const read = takesStripeEvent ? stripeEvents : sent === FORM ? form : ours;
  await new Promise<void>((resolve, reject) => {
    read(request, response, (error: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  return request.body;
}
