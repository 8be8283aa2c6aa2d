import { type ExportFormat, idIn, importedFrom, relatedId, type Resource, textOf } from './export-format.ts';

/** What Lemon Squeezy's API lists: `license-keys`, `license-key-instances`, and with `include` the `order-items` and `products` that were bought. */
export const lemonSqueezyFormat: ExportFormat = {
  licenses: 'license-keys',
  activations: 'license-key-instances',
  named: ['order-items', 'products'],
  keepsIds: true,
  ownerOf: (instance) => idIn(instance.attributes['license_key_id']) ?? relatedId(instance, 'license-key'),
  idsNamedBy: ({ attributes }) => [idIn(attributes['order_item_id']), idIn(attributes['product_id'])].filter((id) => id !== null),
  readLicense: ({ id, attributes }, named) => {
    const item = named('order-items', idIn(attributes['order_item_id']))?.attributes ?? {};
    const variant = textOf(item['variant_name']);
    return {
      license: {
        key: attributes['key'],
        name: null,
        email: textOf(attributes['user_email']),
        customer: textOf(attributes['user_name']),
        product: productOf(attributes, textOf(item['product_name']) ?? textOf(named('products', idIn(attributes['product_id']))?.attributes['name'])),
        policy: variant === null ? null : { code: null, name: variant, named: true },
        status: statusOf(attributes),
        limit: attributes['activation_limit'] ?? null,
        uses: 0,
        expires_at: attributes['expires_at'] ?? null,
        metadata: importedFrom('lemon-squeezy', { id, createdAt: attributes['created_at'] }),
      },
      notes: [],
    };
  },
  readActivation: ({ attributes }) => ({
    id: attributes['identifier'] ?? null,
    // An instance has no other mark than the id that the app was given.
    fingerprint: attributes['identifier'],
    name: textOf(attributes['name']),
    platform: null,
    hostname: null,
    cores: null,
    created_at: attributes['created_at'] ?? null,
    metadata: {},
  }),
};

function productOf(attributes: Resource['attributes'], name: string | null) {
  const id = idIn(attributes['product_id']);
  if (id === null) return name === null ? null : { code: null, name, named: true };
  return { code: `LS-${id}`, name: name ?? `Lemon Squeezy product ${id}`, named: name !== null };
}

/** `inactive` is a key that was not activated yet, and works. */
const statuses: Record<string, string> = { active: 'active', inactive: 'active', expired: 'expired', disabled: 'suspended' };

function statusOf({ disabled, status }: Resource['attributes']): unknown {
  if (disabled === true || disabled === 1) return 'suspended';
  const said = textOf(status)?.toLowerCase() ?? 'active';
  return statuses[said] ?? status;
}
