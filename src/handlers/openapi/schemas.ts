import { z } from 'zod';

/** What a zod schema checks, as the JSON Schema 2020-12 that OpenAPI 3.1 speaks. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

export type Schemas = {
  /** A schema as a request must look (`input`) or as an answer does (`output`). */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonObject;
  /** The schemas that have an id, met so far. */
  components: Record<string, JsonObject>;
};

export const refersTo = (component: string) => `#/components/schemas/${component}`;

/** Converts schemas and gathers those with an id, so that each is written once and referred to. */
export function createSchemas(): Schemas {
  const components: Record<string, JsonObject> = {};
  return {
    components,
    of: (schema, io) => {
      const { $schema: _dialect, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: tidy(io) });
      for (const [name, definition] of Object.entries($defs)) components[name] = relocated(definition);
      return relocated(rest);
    },
  };
}

type Override = (context: { jsonSchema: z.core.JSONSchema.BaseSchema }) => void;

/** Leaves out what tells a reader nothing, and of answers that they are closed: later versions may add fields. */
function tidy(io: 'input' | 'output'): Override {
  return ({ jsonSchema }) => {
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.propertyNames !== undefined) delete jsonSchema.propertyNames;
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    delete jsonSchema.id;
  };
}

/** As plain data, with references that point into the document. */
function relocated(value: object): JsonObject {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === '$ref' ? String(inner).replace('#/$defs/', refersTo('')) : plain(inner)]));
}

function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') return relocated(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** A part of a schema that is an object itself; an empty one where there is none. */
export function partOf(schema: JsonObject, name: string): JsonObject {
  const part = schema[name];
  return isObject(part) ? part : {};
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The texts of a list such as `required` or `enum`. */
export function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}
