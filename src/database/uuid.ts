import { NIL, v7, validate } from 'uuid';

/** A new row id: a UUID of version 7, so that ids sort by the time they were made and indexes stay dense. */
export function newId(): string {
  return v7();
}

/** Before every id. */
export const NO_ID = NIL;

/** The first id that can be made at a moment: whatever is less was made before. */
export function firstIdAt(moment: Date): string {
  const time = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** Whether a text can be an id at all. PostgreSQL refuses to compare a `uuid` with anything else. */
export const isUuid = validate;
