import { exampleValues } from './example-values.ts';
import { isObject, type Json, type JsonObject, partOf, refersTo, type Schemas, textsOf } from './schemas.ts';

/**
 * Examples for every request and answer, put together field by field: the schema's own `examples` (zod's `.meta`), else the
 * value that `example-values.ts` has for the field, else what the schema itself suggests. A test checks them all.
 */

/** `owner` is the component a field belongs to, `field` its name. A request shows the fields it must have and those with a value of their owner's. */
type Spot = { owner: string; field: string; kind: 'request' | 'answer' };

export function exampleOf(schema: JsonObject, spot: Spot, components: Schemas['components']): Json {
  const given = givenFor(schema, spot);
  if (given !== undefined) return given;
  const component = componentNamed(schema['$ref']);
  if (component !== null) return exampleOf(components[component] ?? {}, { ...spot, owner: component, field: '' }, components);
  const alternative = [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((list) => (Array.isArray(list) ? list : [])).find(isObject);
  if (alternative) return exampleOf(alternative, spot, components);
  if (schema['type'] === 'object') return objectOf(schema, spot, components);
  if (schema['type'] === 'array') return isObject(schema['items']) ? [exampleOf(schema['items'], { ...spot, field: '' }, components)] : [];
  return simplest(schema);
}

function givenFor(schema: JsonObject, { owner, field }: Spot): Json | undefined {
  const examples = schema['examples'];
  if (Array.isArray(examples) && examples[0] !== undefined) return examples[0];
  const told = [`${owner}.${field}`, field].find((name) => exampleValues[name] !== undefined);
  return told === undefined ? (schema['const'] ?? schema['default'] ?? textsOf(schema['enum'])[0]) : exampleValues[told];
}

function objectOf(schema: JsonObject, spot: Spot, components: Schemas['components']): JsonObject {
  const owner = spot.field === '' || spot.field === 'data' ? spot.owner : spot.field.charAt(0).toUpperCase() + spot.field.slice(1);
  const properties = Object.entries(partOf(schema, 'properties'));
  const required = textsOf(schema['required']);
  const told = properties.filter(([name]) => spot.kind === 'answer' || required.includes(name) || `${owner}.${name}` in exampleValues);
  const shown = told.length > 0 ? told : properties.slice(0, 1);
  return Object.fromEntries(shown.map(([name, inner]) => [name, isObject(inner) ? exampleOf(inner, { ...spot, owner, field: name }, components) : {}]));
}

const formats: Record<string, Json> = { uuid: '01975d6e-3f00-7a10-8c00-0000000000ff', 'date-time': '2026-03-01T09:30:00.000Z', email: 'jo@example.com', uri: 'https://example.com/hooks' };

function simplest({ type, format, minimum, exclusiveMinimum, minLength }: JsonObject): Json {
  if (typeof format === 'string' && formats[format] !== undefined) return formats[format];
  if (type === 'string') return 'example'.padEnd(Number(minLength ?? 0), '-');
  if (type === 'integer' || type === 'number') return Number(minimum ?? Number(exclusiveMinimum ?? 0) + 1);
  return type === 'boolean' ? true : type === 'null' ? null : {};
}

function componentNamed(ref: Json | undefined): string | null {
  return typeof ref === 'string' ? ref.slice(refersTo('').length) : null;
}
