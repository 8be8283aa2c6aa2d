import { badParameter } from '../api-error.ts';
import { pageOf } from '../list.ts';
import type { FakeEvent, State, StripeObject } from '../state.ts';
import { type Call, type Kind, isOfTime, readRoutes, type Route } from './route.ts';

const MOST_TYPES = 20;
const EVENT_LIFE_S = 30 * 86_400;

const kind: Kind<FakeEvent> = {
  path: '/v1/events',
  noun: 'event',
  param: 'id',
  records: (state) => new Map(recentEvents(state).map((event) => [event.id, event])),
  render: (_, event) => event,
  filters: [],
};

export const eventRoutes: Route[] = [{ method: 'get', path: kind.path, answer: list }, ...readRoutes(kind)];

/** Stripe tells of an event, as it was rendered when it happened, for thirty days. */
function recentEvents({ events, now }: State): FakeEvent[] {
  const oldest = now().getTime() / 1000 - EVENT_LIFE_S;
  return events.filter(({ created }) => created >= oldest);
}

function list({ state, query, path }: Call): object {
  const isOfType = isOfTypes(query);
  const newestFirst = recentEvents(state).reverse();
  return { object: 'list', ...pageOf(newestFirst, kind.noun, query, (event) => isOfType(event) && isOfTime(query, event)), url: path };
}

/** Whether an event is of the types asked for; `invoice.*` asks for several, and no type for all. */
function isOfTypes(query: URLSearchParams): (event: StripeObject) => boolean {
  const types = [...valuesOf(query, 'type'), ...valuesOf(query, 'types')];
  if (types.length > MOST_TYPES) throw badParameter('types', `You may pass at most ${MOST_TYPES} event types.`);
  const matches = (asked: string, type: string) => asked === type || (asked.endsWith('*') && type.startsWith(asked.slice(0, -1)));
  return ({ type }) => types.length === 0 || types.some((asked) => matches(asked, String(type)));
}

/** All values of a parameter, written `name`, `name[]` or `name[0]`. */
export function valuesOf(query: URLSearchParams, name: string): string[] {
  return [...query].filter(([key]) => key === name || key.startsWith(`${name}[`)).map(([, value]) => value);
}
