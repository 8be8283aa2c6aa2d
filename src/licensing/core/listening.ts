import { eventTypes } from './event.ts';

/** What an endpoint may listen to: everything, a group such as `license.*`, or one type. */
export const listenings: string[] = ['*', ...new Set(eventTypes.map((type) => `${type.split('.')[0]}.*`)), ...eventTypes];
