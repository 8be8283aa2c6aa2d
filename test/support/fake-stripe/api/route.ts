import { noSuch } from '../api-error.ts';
import { pageOf } from '../list.ts';
import type { State, StripeObject } from '../state.ts';
import { show } from '../step.ts';
import type { Params } from './params.ts';

/** A request as a route sees it. `ids` are the parts of its path, `params` its body, `query` what stands behind the `?`. */
export type Call = { state: State; path: string; ids: Record<string, string>; params: Params; query: URLSearchParams };

/** A route as data: routes translate parameters into transitions, and answer with the object as it is shown then. */
export type Route = { method: 'get' | 'post' | 'delete'; path: string; answer: (call: Call) => object };

/**
 * A kind of object: where it is served, what Stripe calls it and its id, where it is kept, and how it looks. Its list
 * can be filtered by the fields that `filters` names.
 */
export type Kind<Kept> = {
  path: string;
  noun: string;
  param: string;
  records: (state: State) => ReadonlyMap<string, Kept>;
  render: (state: State, record: Kept) => StripeObject;
  filters: readonly string[];
};

/** The routes that tell of one object, and of all. */
export function readRoutes<Kept>(kind: Kind<Kept>): Route[] {
  return [
    { method: 'get', path: `${kind.path}/:id`, answer: (call) => shown(call.state, kind, find(call, kind)) },
    { method: 'get', path: kind.path, answer: (call) => answerList(call, kind, newestFirst(call.state, kind)) },
  ];
}

/** The record that a path names. */
export function find<Kept>({ state, ids }: Pick<Call, 'state' | 'ids'>, kind: Kind<Kept>): Kept {
  const id = ids['id'] ?? '';
  const record = kind.records(state).get(id);
  if (record === undefined) throw noSuch(kind.noun, id, kind.param);
  return record;
}

/** The record that a parameter names: Stripe's answer to one that is not there is 400. */
export function named<Kept>(state: State, kind: Kind<Kept>, id: string, param: string): Kept {
  const record = kind.records(state).get(id);
  if (record === undefined) throw noSuch(kind.noun, id, param, 400);
  return record;
}

/** A record as the API shows it. */
export function shown<Kept>(state: State, kind: Pick<Kind<Kept>, 'render'>, record: Kept): StripeObject {
  return show(state, kind.render(state, record));
}

function newestFirst<Kept>(state: State, kind: Kind<Kept>): StripeObject[] {
  return [...kind.records(state).values()].reverse().map((record) => shown(state, kind, record));
}

/** The page of a list that is asked for. */
export function answerList(call: Call, { noun, filters }: Pick<Kind<never>, 'noun' | 'filters'>, all: StripeObject[]): object {
  const asked = (entry: StripeObject) => filters.every((name) => isAsked(call.query, name, entry)) && isOfTime(call.query, entry);
  return { object: 'list', ...pageOf(all, noun, call.query, asked), url: call.path };
}

function isAsked(query: URLSearchParams, name: string, entry: StripeObject): boolean {
  const value = query.get(name);
  return value === null || String(entry[name]) === value;
}

const comparisons = {
  created: (created: number, bound: number) => created === bound,
  'created[gt]': (created: number, bound: number) => created > bound,
  'created[gte]': (created: number, bound: number) => created >= bound,
  'created[lt]': (created: number, bound: number) => created < bound,
  'created[lte]': (created: number, bound: number) => created <= bound,
};

/** Whether an object was created in the time that is asked for. */
export function isOfTime(query: URLSearchParams, entry: StripeObject): boolean {
  return Object.entries(comparisons).every(([name, holds]) => !query.has(name) || holds(Number(entry['created']), Number(query.get(name))));
}
