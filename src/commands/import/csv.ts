import { importedFrom, isObject, type ExportFormat, type Found, type Resource, textOf } from './export-format.ts';

/** Which names a column goes by, ours first: also those of other systems' exports. */
const columns = {
  key: ['key', 'license_key', 'licence_key', 'license', 'licensekey'],
  email: ['email', 'e_mail', 'user_email', 'customer_email'],
  name: ['name', 'user_name', 'customer_name', 'customer'],
  product: ['product', 'product_code', 'product_name'],
  policy: ['policy', 'policy_name', 'variant', 'variant_name'],
  status: ['status'],
  limit: ['limit', 'activation_limit', 'max_machines', 'maxmachines', 'max_activations', 'maxactivations'],
  max_uses: ['max_uses', 'maxuses'],
  uses: ['uses', 'uses_count'],
  expires_at: ['expires_at', 'expires', 'expiry', 'expiresat'],
  activations: ['activations', 'instances', 'machines'],
  metadata: ['metadata'],
  created_at: ['created_at', 'created', 'createdat'],
} as const;

type Column = keyof typeof columns;

const LICENSES = 'license';
const ACTIVATIONS = 'activation';

/** `inactive` says of a key of Lemon Squeezy that it was not activated yet, elsewhere that it is switched off. */
const statuses: Record<string, string> = { active: 'active', disabled: 'suspended', suspended: 'suspended', revoked: 'revoked', banned: 'banned', expired: 'expired' };

/** A CSV, a license a line. Its reader makes things of lines; this says what they mean. */
export function csvFormat({ from, inactive }: { from: string; inactive: 'active' | 'suspended' }): ExportFormat {
  return {
    licenses: LICENSES,
    activations: ACTIVATIONS,
    named: [],
    ownerOf: () => null,
    idsNamedBy: () => [],
    readLicense: ({ attributes }) => ({ license: licenseOf(attributes, { from, statuses: { ...statuses, inactive } }), notes: [] }),
    readActivation: ({ attributes }) => ({ id: null, name: null, platform: null, hostname: null, cores: null, created_at: null, metadata: {}, ...attributes }),
  };
}

function licenseOf(row: Resource['attributes'], { from, statuses }: { from: string; statuses: Record<string, string> }): object {
  const status = textOf(row['status'])?.toLowerCase() ?? 'active';
  const limits = Object.fromEntries((['limit', 'max_uses'] as const).flatMap((column) => (column in row ? [[column, limitOf(row[column])]] : [])));
  return {
    key: row['key'],
    name: null,
    email: textOf(row['email']),
    customer: textOf(row['name']),
    product: placeOf(row['product']),
    policy: placeOf(row['policy']),
    status: statuses[status] ?? row['status'],
    ...limits,
    uses: numberOf(row['uses'] ?? '') ?? 0,
    ...('expires_at' in row && { expires_at: textOf(row['expires_at']) }),
    metadata: metadataOf(row, from),
  };
}

function placeOf(cell: unknown) {
  const name = textOf(cell);
  return name === null ? null : { code: name, name, named: true };
}

function limitOf(cell: unknown): unknown {
  return /^(unlimited|none|∞)$/i.test(textOf(cell) ?? '') ? null : numberOf(cell);
}

/** A number, null for a blank, and what is none as it stands, to be refused as such. */
function numberOf(cell: unknown): unknown {
  const text = textOf(cell);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : text;
}

function metadataOf(row: Resource['attributes'], from: string): unknown {
  const given = textOf(row['metadata']);
  const own = given === null ? {} : jsonOf(given);
  return isObject(own) ? { ...own, ...importedFrom(from, { id: null, createdAt: row['created_at'] }) } : given;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Which column stands where, by what the first line says; those that nothing is read of. */
export function readHeader(cells: string[]): { at: Map<Column, number>; unread: string[] } {
  const names = cells.map((cell) => cell.trim().toLowerCase().replaceAll(/[\s_-]+/g, '_'));
  const found = Object.entries(columns).map(([column, aliases]) => [column, names.findIndex((name) => aliases.some((alias) => alias === name))] as const);
  const at = new Map(found.flatMap(([column, index]) => (isColumn(column) && index >= 0 ? [[column, index] as const] : [])));
  return { at, unread: cells.filter((_, index) => ![...at.values()].includes(index)) };
}

function isColumn(name: string): name is Column {
  return name in columns;
}

/** What a line says: a license, and what was activated on it. */
export function readRow(at: Map<Column, number>, cells: string[], { place, width }: { place: string; width: number }): Found[] {
  const attributes = Object.fromEntries([...at].map(([column, index]) => [column, cells[index] ?? '']));
  const key = attributes['key'];
  if (cells.length !== width) return [{ place, key, reason: `has ${cells.length} columns, where the first line has ${width}` }];
  const { activations, ...rest } = attributes;
  const activated = activationsOf(activations ?? '');
  if (activated === null) return [{ place, key, reason: 'activations: expected fingerprints with ; between them, or a JSON array' }];
  return [
    { place, owner: null, resource: { type: LICENSES, id: place, attributes: rest, relationships: {} } },
    ...activated.map((one, n) => ({ place, owner: place, resource: { type: ACTIVATIONS, id: `${place}/${n}`, attributes: one, relationships: {} } })),
  ];
}

function activationsOf(cell: string): Resource['attributes'][] | null {
  const text = cell.trim();
  if (!text.startsWith('[')) return text.split(';').flatMap((part) => (part.trim() === '' ? [] : [{ fingerprint: part.trim() }]));
  const list = jsonOf(text);
  return Array.isArray(list) ? list.map(activationOf) : null;
}

function activationOf(given: unknown): Resource['attributes'] {
  if (!isObject(given)) return { fingerprint: typeof given === 'number' ? String(given) : given };
  const { id = null, fingerprint = id, name = null, createdAt, created_at: createdAtToo } = given;
  return { id, fingerprint, name: textOf(name), created_at: createdAt ?? createdAtToo ?? null };
}
