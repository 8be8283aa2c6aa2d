import express, { type Express, type RequestHandler } from 'express';
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
export type Answer = { status: number; body?: unknown };

export type Access = { permission: Permission } | { open: LimitName };

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

/** Serves the routes: let in, count, read, answer. */
export function mount(app: Express, routes: Route[], dependencies: MountDependencies): void {
  for (const route of routes) app[route.method](route.path, letIn(route.access, dependencies), readBody, serve(route));
}

function letIn(access: Access, { limits, findApiKey }: MountDependencies): RequestHandler {
  return async (request, response, next) => {
    const address = request.ip ?? 'unknown';
    if ('open' in access) {
      await limit(limits, { name: access.open, who: address }, response);
    } else {
      const caller = await authenticate(request, access.permission, findApiKey).catch(async (refusal: unknown) => {
        // Guessing keys is counted by address.
        await limit(limits, { name: 'other', who: address }, response);
        throw refusal;
      });
      await limit(limits, { name: 'management', who: caller.apiKeyId }, response);
      response.locals['scope'] = caller.scope;
    }
    next();
  };
}

const json = express.json({ limit: '1mb', type: () => true });

/** Reads a JSON body; none at all counts as `{}`, any other type of content is refused. */
const readBody: RequestHandler = (request, response, next) => {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (request.method === 'GET' || (encoding === undefined && Number(length ?? 0) === 0)) {
    next();
    return;
  }
  if (!request.is('application/json')) throw new AppError('UNSUPPORTED_MEDIA_TYPE', 415, 'Send the body as application/json.');
  json(request, response, next);
};

function serve({ method, answer }: Route): RequestHandler {
  return async (request, response) => {
    const input: unknown = method === 'get' ? { ...request.query } : (request.body ?? {});
    refuseUnstorable(input);
    const { status, body } = await answer({ scope: response.locals['scope'] ?? null, id: String(request.params['id'] ?? ''), input });
    if (body === undefined) response.status(status).end();
    else response.status(status).json(body);
  };
}
