import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';
import { authenticate, type FindApiKey, type Permission } from './authenticate.ts';
import { limit, type LimitName, type Limits } from './limit.ts';
import { parse, refuseUnstorable } from './parse.ts';

/** A route is data: where it is, who may call it, what it takes, and the one call it makes. `app.ts` lists them all. */

/** `input` checks the query of a GET and the body of a POST. */
type Place<Input extends z.ZodType> = { method: 'get' | 'post'; path: string; input: Input };

/** What a handler answers. Without a body none is sent. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

type Access = { permission: Permission } | { open: LimitName };

export type Route = Place<z.ZodType> & {
  access: Access;
  answer: (received: { scope: Scope | null; id: string; input: unknown }) => Promise<Answer>;
};

/** A route of the management API: called with an API key that has `permission`, for the key's own scope. */
export function managementRoute<Input extends z.ZodType>(
  place: Place<Input> & { permission: Permission },
  answer: (call: { scope: Scope; id: string; input: z.output<Input> }) => Promise<Answer>,
): Route {
  const { permission, ...rest } = place;
  return {
    ...rest,
    access: { permission },
    answer: ({ scope, id, input }) => {
      if (scope === null) throw new Error(`${place.path} was reached without a caller`);
      return answer({ scope, id, input: parse(place.input, input) });
    },
  };
}

/** A route that anybody may call, limited by address. */
export function openRoute<Input extends z.ZodType>(
  place: Place<Input> & { limit: LimitName },
  answer: (input: z.output<Input>) => Promise<Answer>,
): Route {
  const { limit: open, ...rest } = place;
  return { ...rest, access: { open }, answer: ({ input }) => answer(parse(place.input, input)) };
}

export type MountDependencies = { limits: Limits; findApiKey: FindApiKey };

/** Serves the routes. */
export function mount(app: Express, routes: Route[], dependencies: MountDependencies): void {
  for (const route of routes) app[route.method](route.path, serve(route, dependencies));
}

/** Let in and count, read, answer. */
function serve({ method, access, answer }: Route, dependencies: MountDependencies): RequestHandler {
  return async (request, response) => {
    const scope = await letIn(access, dependencies, request, response);
    const input = method === 'get' ? { ...request.query } : await readBody(request, response);
    const id = String(request.params['id'] ?? '');
    refuseUnstorable([id, input]);
    const { status, body, headers = {} } = await answer({ scope, id, input });
    response.set(headers);
    if (body === undefined) response.status(status).end();
    else response.status(status).json(body);
  };
}

/** The caller's scope, or null where anybody may call. */
async function letIn(access: Access, { limits, findApiKey }: MountDependencies, request: Request, response: Response): Promise<Scope | null> {
  const address = request.ip ?? 'unknown';
  if ('open' in access) {
    await limit(limits, { name: access.open, who: address }, response);
    return null;
  }
  const caller = await authenticate(request, access.permission, findApiKey).catch(async (refusal: unknown) => {
    // Guessing keys is counted by address.
    await limit(limits, { name: 'other', who: address }, response);
    throw refusal;
  });
  await limit(limits, { name: 'management', who: caller.apiKeyId }, response);
  return caller.scope;
}

const json = express.json({ limit: '1mb', type: () => true });

/** A JSON body; none at all counts as `{}`, any other type of content is refused. */
async function readBody(request: Request, response: Response): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length ?? 0) === 0) return {};
  if (!request.is('application/json')) throw new AppError('UNSUPPORTED_MEDIA_TYPE', 415, 'Send the body as application/json.');
  await new Promise<void>((resolve, reject) => {
    json(request, response, (error: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  return request.body;
}
