import { eventTypes } from './event.ts';

/** What an endpoint may listen to: everything, a group such as `license.*`, or one type. */
export const listenings: string[] = ['*', ...new Set(eventTypes.map((type) => `${type.split('.')[0]}.*`)), ...eventTypes];

/** What somebody is told who names something else: there are too many to name them all. */
export const notListening = 'Expected a type of event such as license.created, a group such as license.*, or * for all. The API reference lists them.';
