import type { Platform } from '../../licensing/core/machine.ts';
import { type ExportFormat, idOf, importedFrom, isObject, relatedId, type Resource, textOf } from './export-format.ts';

/** What Keygen's API lists: `licenses`, `machines`, and the `users`, `policies` and `products` that licenses name. */
export const keygenFormat: ExportFormat = {
  licenses: 'licenses',
  activations: 'machines',
  named: ['users', 'policies', 'products'],
  keepsIds: false,
  ownerOf: (machine) => relatedId(machine, 'license') ?? idOf(machine, ['licenseId', 'license_id', 'license']),
  idsNamedBy: (license) => [userOf(license), relatedId(license, 'policy'), relatedId(license, 'product')].filter((id) => id !== null),
  readLicense: (license, named) => {
    const { id, attributes } = license;
    const user = named('users', userOf(license))?.attributes;
    return {
      license: {
        key: attributes['key'],
        name: textOf(attributes['name']),
        email: textOf(user?.['email']),
        customer: user ? customerOf(user) : null,
        product: placeOf('product', relatedId(license, 'product'), named('products', relatedId(license, 'product'))),
        policy: placeOf('policy', relatedId(license, 'policy'), named('policies', relatedId(license, 'policy'))),
        status: statusOf(attributes),
        limit: attributes['maxMachines'] ?? null,
        max_uses: attributes['maxUses'] ?? null,
        uses: attributes['uses'] ?? 0,
        expires_at: attributes['expiry'] ?? null,
        metadata: { ...(isObject(attributes['metadata']) && attributes['metadata']), ...importedFrom('keygen', { id, createdAt: attributes['created'] }) },
      },
      notes: userOf(license) !== null && user === undefined ? ['name a user that no file lists, and come without a customer'] : [],
    };
  },
  readActivation: ({ id, attributes }) => {
    const platform = textOf(attributes['platform']);
    const known = platformOf(platform);
    return {
      id,
      fingerprint: attributes['fingerprint'],
      name: textOf(attributes['name']),
      platform: known,
      hostname: textOf(attributes['hostname']),
      cores: attributes['cores'] ?? null,
      created_at: attributes['created'] ?? null,
      metadata: { ...(isObject(attributes['metadata']) && attributes['metadata']), ...(platform !== null && known === null && { platform }) },
    };
  },
};

/** The owner, as older versions of Keygen's API called it too. */
function userOf(license: Resource): string | null {
  return relatedId(license, 'owner') ?? relatedId(license, 'user');
}

function customerOf({ fullName, firstName, lastName }: Resource['attributes']): string | null {
  return textOf(fullName) ?? textOf([firstName, lastName].flatMap((name) => textOf(name) ?? []).join(' '));
}

function placeOf(kind: 'product' | 'policy', id: string | null, named: Resource | undefined) {
  const name = textOf(named?.attributes['name']);
  if (id === null && name === null) return null;
  return { code: textOf(named?.attributes['code']), name: name ?? `Keygen ${kind} ${id}`, named: name !== null };
}

/** `INACTIVE` is a license that was not validated for a while, and works; `EXPIRING` one that will end soon. */
const statuses: Record<string, string> = { ACTIVE: 'active', INACTIVE: 'active', EXPIRING: 'active', EXPIRED: 'expired', SUSPENDED: 'suspended', BANNED: 'banned' };

function statusOf({ suspended, status }: Resource['attributes']): unknown {
  const said = textOf(status)?.toUpperCase() ?? 'ACTIVE';
  if (suspended === true && said !== 'BANNED') return 'suspended';
  return statuses[said] ?? status;
}

const platforms: [RegExp, Platform][] = [[/docker/i, 'docker'], [/kube|k8s/i, 'kubernetes'], [/mac|darwin|os ?x/i, 'macos'], [/win/i, 'windows'], [/linux|ubuntu|debian|fedora/i, 'linux']];

/** Keygen takes any text. */
function platformOf(text: string | null): Platform | null {
  return platforms.find(([pattern]) => text !== null && pattern.test(text))?.[1] ?? null;
}
