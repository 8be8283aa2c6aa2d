import { columnsOf } from './columns.ts';
import { importedFrom, isObject, type ExportFormat, type Found, type Resource, textOf } from './export-format.ts';

/** A license in one record, with what was activated on it: a line of a CSV, or a plain object of JSON. */

type Record = Resource['attributes'];

/** What a system's records mean: `inactive` is a key that was not activated yet, or one that is switched off. */
type Meaning = { from: string; inactive: 'active' | 'suspended' };

const statuses: { [status: string]: string } = {
  active: 'active', enabled: 'active', valid: 'active', expiring: 'active', disabled: 'suspended', suspended: 'suspended', revoked: 'revoked', banned: 'banned', expired: 'expired',
};

/** What a record means. Its license and its activations are staged under the names that the format of its file has for them. */
export function recordFormat({ licenses, activations }: { licenses: string; activations: string }, { from, inactive }: Meaning): ExportFormat {
  return {
    licenses,
    activations,
    named: [],
    keepsIds: false,
    ownerOf: () => null,
    idsNamedBy: () => [],
    readLicense: ({ attributes }) => ({
      license: licenseOf(attributes, { from, statuses: { ...statuses, inactive } }),
      notes: attributes['counted'] === true ? ['say how many activations they have, and not which, and come without them'] : [],
    }),
    readActivation: ({ attributes }) => ({ id: null, name: null, platform: null, hostname: null, cores: null, created_at: null, metadata: {}, ...attributes }),
  };
}

/** Reads a file's things of JSON:API as they are, and its plain records as those. */
export function orRecords(format: ExportFormat, meaning: Meaning): ExportFormat {
  const records = recordFormat(format, meaning);
  return {
    ...format,
    idsNamedBy: (license) => (license.isRecord ? [] : format.idsNamedBy(license)),
    readLicense: (license, named) => (license.isRecord ? records : format).readLicense(license, named),
    readActivation: (activation) => (activation.isRecord ? records : format).readActivation(activation),
  };
}

function licenseOf(row: Record, { from, statuses }: { from: string; statuses: { [status: string]: string } }): object {
  const limits = Object.fromEntries((['limit', 'max_uses'] as const).flatMap((column) => (column in row ? [[column, limitOf(row[column])]] : [])));
  const { email, name } = contactOf(row);
  return {
    key: row['key'],
    name: null,
    email,
    customer: name,
    product: placeOf(row['product']),
    policy: placeOf(row['policy']),
    status: statusOf(row, statuses),
    ...limits,
    uses: numberOf(row['uses']) ?? 0,
    ...('expires_at' in row && { expires_at: endOf(row['expires_at']) }),
    metadata: metadataOf(row, from),
  };
}

/** A cell that says something. Databases write a null as a word. */
function wordOf(cell: unknown): string | null {
  const text = isObject(cell) ? (textOf(cell['name']) ?? textOf(cell['code']) ?? textOf(cell['id'])) : textOf(cell);
  return text === null || /^(null|\\N|n\/a|-)$/i.test(text) ? null : text;
}

/** Some name the customer by an address, or by both in an object. */
function contactOf({ email, name, customer }: Record): { email: string | null; name: string | null } {
  const about = isObject(customer) ? customer : { [/@/.test(String(customer)) ? 'email' : 'name']: customer };
  return { email: wordOf(email) ?? wordOf(about['email']), name: wordOf(name) ?? wordOf(about['name']) ?? wordOf(about['fullName']) };
}

function placeOf(cell: unknown) {
  const name = wordOf(cell);
  return name === null ? null : { code: name, name, named: !/^\d+$/.test(name) };
}

function statusOf(row: Record, statuses: { [status: string]: string }): unknown {
  const flagged = (['banned', 'revoked', 'suspended'] as const).find((flag) => /^(true|t|yes|y|1)$/i.test(String(row[flag])));
  const switchedOff = /^(false|f|no|n|0)$/i.test(String(row['active'])) ? 'suspended' : undefined;
  const said = wordOf(row['status']);
  const status = said === null ? 'active' : (statuses[said.toLowerCase()] ?? said);
  return flagged ?? (status === 'active' ? (switchedOff ?? status) : status);
}

function limitOf(cell: unknown): unknown {
  return /^(unlimited|none|∞)$/i.test(wordOf(cell) ?? '') ? null : numberOf(cell);
}

function endOf(cell: unknown): string | null {
  return /^(never|none|unlimited|lifetime|perpetual)$/i.test(wordOf(cell) ?? '') ? null : wordOf(cell);
}

/** A number, null for a blank, and what is none as it stands, to be refused as such. */
function numberOf(cell: unknown): unknown {
  const text = wordOf(cell);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : text;
}

function metadataOf(row: Record, from: string): unknown {
  const given = isObject(row['metadata']) ? row['metadata'] : wordOf(row['metadata']);
  const own = typeof given === 'string' ? jsonOf(given) : (given ?? {});
  return isObject(own) ? { ...own, ...importedFrom(from, { id: wordOf(row['id']), createdAt: row['created_at'] }) } : given;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where a record stands and under what its things are staged. `keepsIds`: an activation there is known by the id that the app was given, and by nothing else. */
type Place = { place: string; id: string; types: { licenses: string; activations: string }; keepsIds: boolean };

/** What a record says by its columns: a license, and what was activated on it. */
export function readRecord(row: Record, { place, id, types, keepsIds }: Place): Found[] {
  const { activations, ...rest } = row;
  const counted = isCount(activations);
  const activated = counted ? [] : activationsOf(activations, keepsIds);
  if (activated === null) return [{ place, key: textOf(row['key']) ?? undefined, reason: 'activations: expected fingerprints with ; between them, or a JSON array' }];
  const thing = { isRecord: true, relationships: {} };
  return [
    { place, owner: null, resource: { ...thing, type: types.licenses, id, attributes: { ...rest, ...(counted && { counted }) } } },
    ...activated.map((one, n) => ({ place, owner: id, resource: { ...thing, type: types.activations, id: `${id}/${n}`, attributes: one } })),
  ];
}

/** The columns of an object of JSON. */
export function recordOf(said: Record): Record {
  const names = Object.keys(said);
  return Object.fromEntries([...columnsOf(names).at].map(([column, index]) => [column, said[names[index] ?? '']]));
}

/** How many there are, also of how many, and not which: a fingerprint is longer. */
function isCount(cell: unknown): boolean {
  return /^\d{1,7}( *(\/|of) *(\d{1,7}|unlimited|∞))?$/i.test(wordOf(cell) ?? '');
}

function activationsOf(cell: unknown, keepsIds: boolean): Record[] | null {
  const text = wordOf(cell) ?? '';
  const list = Array.isArray(cell) ? cell : text.startsWith('[') ? jsonOf(text) : splitAt(text);
  return Array.isArray(list) ? list.map((one) => activationOf(one, keepsIds)) : null;
}

/** At semicolons; where there are none, at bars, line ends or commas. */
function splitAt(text: string): string[] {
  const between = [';', '|', '\n', ','].find((mark) => text.includes(mark)) ?? ';';
  return text.split(between).flatMap((part) => textOf(part) ?? []);
}

function activationOf(given: unknown, keepsIds: boolean): Record {
  if (!isObject(given)) return { fingerprint: typeof given === 'number' ? String(given) : given, ...(keepsIds && { id: given }) };
  const { identifier, id = null, fingerprint, name = null, hostname = null } = given;
  const createdAt = ['createdAt', 'created_at', 'created'].map((name) => given[name]).find((moment) => moment != null) ?? null;
  return { id: identifier ?? id, fingerprint: fingerprint ?? identifier ?? id, name: textOf(name), hostname: textOf(hostname), created_at: createdAt };
}
