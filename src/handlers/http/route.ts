import type { z } from 'zod';
import type { Scope } from '../../database/scope.ts';
import { ok, type RefusalCode, type Result } from '../../errors.ts';
import type { Permission } from '../../licensing/core/permission.ts';
import type { ApiKeyCaller, Caller, LicenseCaller } from './authenticate.ts';
import type { LimitName } from './limit.ts';
import { parse } from './parse.ts';

/**
 * A route is data: where it is, who may call it, what it takes and answers, and the one call it makes. `app.ts` lists them
 * all, `mount.ts` serves them and the OpenAPI document is written from them.
 */

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** `input` checks the query of a GET and the body of anything else. */
type Place<Input extends z.ZodType> = {
  method: Method;
  path: string;
  /** What it does, in a line. */
  summary: string;
  input: Input;
  answers: Answers;
  /** What its use case may say no with, beside what every route may. */
  refuses?: RefusalCode[];
  /** Its body holds an event as Stripe sends it: larger than what is ours, and in whatever text. */
  takesStripeEvent?: true;
  /** Fields of the body may stand in the query instead, as some clients of other systems send them. */
  mayStandInQuery?: true;
};

/**
 * The status and body of success; a null body is none. `also` is another status the same body may come with, `headers` what
 * the answer carries beside those of every answer, each with its meaning.
 */
export type Answers = { status: number; body: z.ZodType | null; also?: { status: number; when: string }; headers?: Record<string, string> };

/** What a handler answers; `status` where it is not the route's own. `text` is a body that is sent as it is, `pieces` one that is sent as it is made. */
export type Answer = { status?: number; body?: unknown; text?: string; pieces?: AsyncIterable<string>; headers?: Record<string, string> };

/** Anybody, an API key with the permission, or also the license that the call is about, each with the limit that counts it. */
export type Access = { open: LimitName } | { permission: Permission; license?: LimitName };

/** `timeOf`: the time by which a scope is judged. */
type Received = { caller: Caller | null; id: string; params: Params; input: unknown; timeOf: (scope: Scope) => Promise<Date> };

/** What stood in the places of a path that are named, such as `:key`. `id` is the one that most paths have. */
type Params = Record<string, string>;

/** `checks` asks what lies outside, which may take long, before a transaction holds anybody up: what it refuses is the answer. */
export type Route = Place<z.ZodType> & { access: Access; checks?: (input: unknown) => Promise<Result<unknown>>; answer: (received: Received) => Promise<Answer> };

/** A route that anybody may call, limited by address. */
export function openRoute<Input extends z.ZodType>(
  place: Place<Input> & { limit: LimitName },
  answer: (input: z.output<Input>) => Promise<Answer>,
): Route {
  const { limit: open, ...rest } = place;
  return { ...rest, access: { open }, answer: ({ input }) => answer(parse(place.input, input)) };
}

/** `now` is the time by which the scope is judged. */
type Call<Input extends z.ZodType> = { scope: Scope; id: string; params: Params; input: z.output<Input>; now: Date };

/** A route of the management API: called with an API key that has `permission`, for the key's own scope. */
export function managementRoute<Input extends z.ZodType>(
  place: Place<Input> & { permission: Permission; checks?: (input: z.output<Input>) => Promise<Result<unknown>> },
  answer: (call: Call<Input> & { caller: ApiKeyCaller }) => Promise<Answer>,
): Route {
  const { permission, checks, ...rest } = place;
  return {
    ...rest,
    access: { permission },
    ...(checks && { checks: whenReadable(place.input, checks) }),
    answer: async ({ caller, id, params, input, timeOf }) => {
      if (caller?.by !== 'api-key') throw new Error(`${place.path} was reached without an API key`);
      return answer({ caller, scope: caller.scope, id, params, input: parse(place.input, input), now: await timeOf(caller.scope) });
    },
  };
}

/** What cannot be read is refused by the answer itself. */
function whenReadable<Input extends z.ZodType>(schema: Input, checks: (input: z.output<Input>) => Promise<Result<unknown>>): (input: unknown) => Promise<Result<unknown>> {
  return async (input) => {
    const { success, data } = schema.safeParse(input);
    return success ? checks(data) : ok(null);
  };
}

/**
 * A route for the vendor and for the installed app: an API key with `permission` acts on any license of its scope,
 * `Authorization: License …` on its own (`own` is its id, null for an API key).
 */
export function licensedRoute<Input extends z.ZodType>(
  place: Place<Input> & { permission: Permission; limit: LimitName },
  answer: (call: Call<Input> & { own: string | null }) => Promise<Answer>,
): Route {
  return holderRoute(place, async ({ caller, id, params, input, timeOf }) => {
    const { scope, own } = caller.by === 'api-key' ? { scope: caller.scope, own: null } : await ownOf(caller);
    return answer({ scope, own, id, params, input, now: await timeOf(scope) });
  });
}

async function ownOf(caller: LicenseCaller): Promise<{ scope: Scope; own: string }> {
  const { scope, licenseId } = await caller.own();
  return { scope, own: licenseId };
}

/** As `licensedRoute`, for a handler that asks for the license in the statement it makes anyway. */
export function holderRoute<Input extends z.ZodType>(
  place: Place<Input> & { permission: Permission; limit: LimitName },
  answer: (call: Pick<Received, 'id' | 'params' | 'timeOf'> & { caller: Caller; input: z.output<Input> }) => Promise<Answer>,
): Route {
  const { permission, limit: license, ...rest } = place;
  return {
    ...rest,
    access: { permission, license },
    answer: ({ caller, id, params, input, timeOf }) => {
      if (caller === null) throw new Error(`${place.path} was reached without a caller`);
      return answer({ caller, id, params, input: parse(place.input, input), timeOf });
    },
  };
}
