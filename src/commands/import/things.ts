import { type ExportFormat, type Found, resource } from './export-format.ts';
import { readRecord, recordOf } from './records.ts';
import type { Thing } from './walk-json.ts';

/** What an object of a JSON export is: a thing of JSON:API, of which some types are of no use here, such as orders, or a plain record. */
export function foundIn({ at, line, under, said }: Thing, format: ExportFormat, placeOf: (line: number) => string): Found[] {
  const place = placeOf(line);
  if (typeof said['type'] === 'string' && 'attributes' in said) return isOfUse(said['type'], format) ? thingFrom(said, format, place) : [];
  const type = plainTypeOf(said, under, format);
  if (type === null) return [{ place, reason: 'is nothing that is known: it has no "type" and "attributes", and no "key" of a license' }];
  const id = said['id'] ?? `${place}/${at}`;
  if (type !== format.licenses) return thingFrom({ type, id, attributes: said }, format, place);
  return readRecord(recordOf(said), { place, id: String(id), types: format, keepsIds: format.keepsIds });
}

function isOfUse(type: string, { licenses, activations, named }: ExportFormat): boolean {
  return [licenses, activations, ...named].includes(type);
}

/** By the name of the list that it is in, else by what it says. */
function plainTypeOf(said: Thing['said'], under: string, format: ExportFormat): string | null {
  if (under !== format.licenses && isOfUse(under, format)) return under;
  if (['license-key-instances', 'instances', 'machines', 'activations'].includes(under)) return format.activations;
  return 'key' in recordOf(said) ? format.licenses : null;
}

function thingFrom(said: object, format: ExportFormat, place: string): Found[] {
  const read = resource.safeParse(said);
  if (!read.success) return [{ place, reason: 'has no id, or no attributes' }];
  const owner = read.data.type === format.activations ? format.ownerOf(read.data) : null;
  // What an API answers is one line, which alone tells nothing.
  return [{ place: `${place} ${read.data.type}/${read.data.id}`, resource: read.data, owner }];
}
