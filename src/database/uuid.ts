import { v7, validate } from 'uuid';

/** A new row id: a UUID of version 7, so that ids sort by the time they were made and indexes stay dense. */
export function newId(): string {
  return v7();
}

/** Whether a text can be an id at all. PostgreSQL refuses to compare a `uuid` with anything else. */
export const isUuid = validate;
