import { z } from 'zod';

/** One thing of an export, in the shape that JSON:API gives it; a record, such as a line of a CSV, is made to look alike. */
const identifier = z.union([z.string().min(1), z.number()]).transform(String);

export const resource = z.object({
  type: z.string(),
  id: identifier,
  attributes: z.record(z.string(), z.unknown()),
  relationships: z.record(z.string(), z.unknown()).default({}),
  /** Whether it came as a record, without JSON:API's shape. */
  isRecord: z.boolean().default(false),
});

export type Resource = z.output<typeof resource>;

/** What comes of a place in the file: a thing, or what is wrong there. `key` tells which license it was about. */
export type Found = { place: string; resource: Resource; owner: string | null } | { place: string; reason: string; key?: string | undefined };

/** What an export says of a license, in the words of `importedLicense`, and what the vendor should know besides. */
type Claim = { license: object; notes: string[] };

/** How a system writes down what is imported here. It translates; what is asked of a license is not its business. */
export type ExportFormat = {
  /** The types of its things: licenses, what was activated, and what licenses name. */
  licenses: string;
  activations: string;
  named: string[];
  /** Whether an activation is known by the id that the app was given, and by nothing else. */
  keepsIds: boolean;
  /** The license that something activated belongs to. */
  ownerOf: (activation: Resource) => string | null;
  /** The ids of what a license names. */
  idsNamedBy: (license: Resource) => string[];
  readLicense: (license: Resource, named: (type: string, id: string | null) => Resource | undefined) => Claim;
  readActivation: (activation: Resource) => object;
};

/** The id at the other end of a relationship of JSON:API. */
export function relatedId({ relationships }: Resource, name: string): string | null {
  const read = z.object({ data: z.object({ id: identifier }) }).safeParse(relationships[name]);
  return read.success ? read.data.data.id : null;
}

/** The id in the first of these attributes that holds one. */
export function idOf({ attributes }: Resource, names: string[]): string | null {
  return names.map((name) => idIn(attributes[name])).find((id) => id !== null) ?? null;
}

/** An id that stands among the attributes. */
export function idIn(attribute: unknown): string | null {
  return identifier.safeParse(attribute).data ?? null;
}

/** Text that says something; null where it is blank or none. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** What is kept of where a license came from. */
export function importedFrom(from: string, { id, createdAt }: { id: string | null; createdAt: unknown }): object {
  return { imported: { from, ...(id !== null && { id }), ...(textOf(createdAt) !== null && { createdAt: textOf(createdAt) }) } };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
