import type { StripeObject } from './state.ts';
import { badParameter, noSuch } from './api-error.ts';

/** How many entries a page holds unless it is asked for fewer or more; what an object embeds of its lists, too. */
const PAGE_SIZE = 10;
const MOST = 100;

export type List = { object: 'list'; data: StripeObject[]; has_more: boolean; total_count?: number; url: string };

/** A list as an object carries it: the first page, and how many there are in all. */
export function embeddedList(all: StripeObject[], url: string, size = PAGE_SIZE): List {
  return { object: 'list', data: all.slice(0, size), has_more: all.length > size, total_count: all.length, url };
}

/**
 * The page of a list that `limit`, `starting_after` or `ending_before` ask for, among the entries that are `asked` for.
 * A cursor is a place in the whole list, whether or not its own entry is asked for.
 */
export function pageOf(all: StripeObject[], noun: string, query: URLSearchParams, asked: (entry: StripeObject) => boolean = () => true) {
  const limit = limitOf(query);
  const [after, before] = [query.get('starting_after'), query.get('ending_before')];
  if (after !== null && before !== null) throw badParameter('ending_before', 'You may pass only one of starting_after and ending_before.');
  const start = after === null ? 0 : placeOf(all, noun, after, 'starting_after') + 1;
  const end = before === null ? all.length : placeOf(all, noun, before, 'ending_before');
  const found = all.slice(start, end).filter(asked);
  return { data: before === null ? found.slice(0, limit) : found.slice(-limit), has_more: found.length > limit };
}

function limitOf(query: URLSearchParams): number {
  const given = query.get('limit') ?? String(PAGE_SIZE);
  const limit = Number(given);
  if (!Number.isInteger(limit)) throw badParameter('limit', `Invalid integer: ${given}`);
  if (limit < 1 || limit > MOST) throw badParameter('limit', `This value must be between 1 and ${MOST} (it currently is '${given}').`);
  return limit;
}

function placeOf(all: StripeObject[], noun: string, id: string, param: string): number {
  const place = all.findIndex((entry) => entry.id === id);
  if (place < 0) throw noSuch(noun, id, param, 400);
  return place;
}
