import { badParameter } from '../api-error.ts';
import { isRecord } from '../previous-attributes.ts';

/** The parameters of a request: form fields (`items[0][price]=…`) nested as their names say, every value still text. */
export type Params = Record<string, unknown>;

/** A text; undefined when it is not given, null when it is given as nothing. */
export function textOf(params: Params, name: string): string | null | undefined {
  const value = params[name];
  if (value === undefined || typeof value === 'object') return undefined;
  return value === '' ? null : String(value);
}

/** A text that is required. */
export function requiredText(params: Params, name: string): string {
  const value = textOf(params, name);
  if (value == null) throw badParameter(name, `Missing required param: ${name}.`);
  return value;
}

/** An integer; undefined when none is given. */
export function integerOf(params: Params, name: string): number | undefined {
  const value = textOf(params, name);
  if (value == null) return undefined;
  if (!/^-?\d+$/.test(value)) throw badParameter(name, `Invalid integer: ${value}`);
  return Number(value);
}

/** `true` or `false`; undefined when it is not given. */
export function flagOf(params: Params, name: string): boolean | undefined {
  const value = textOf(params, name);
  return value === undefined ? undefined : value === 'true';
}

/** What is nested under a name; nothing when nothing is. */
export function partOf(params: Params, name: string): Params {
  const value = params[name];
  return isRecord(value) ? value : {};
}

/** The entries nested under a name, written `name[0][…]` or `name[][…]`; undefined when there are none. */
export function partsOf(params: Params, name: string): Params[] | undefined {
  const value = params[name];
  if (value === null || typeof value !== 'object') return undefined;
  return Object.values(value).filter(isRecord);
}

/** The texts under a name; undefined when there are none. */
export function textsOf(params: Params, name: string): string[] | undefined {
  const value = params[name];
  if (value === undefined || value === '') return undefined;
  return value !== null && typeof value === 'object' ? Object.values(value).map(String) : [String(value)];
}

/** Parameters as an object would show them: numbers, flags and nulls for the texts that stand for them. */
export function shownAs(params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, name === 'metadata' ? value : shownValue(value)]));
}

function shownValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownValue);
  if (isRecord(value)) return shownAs(value);
  if (value === '') return null;
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'string' && /^-?\d{1,12}$/.test(value) ? Number(value) : value;
}
