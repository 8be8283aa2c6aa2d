/**
 * What an offline file says, before it is signed: a JSON:API document in the names that Keygen's readers know. Times are ISO 8601
 * UTC with milliseconds, durations seconds.
 */

/** An active license as its file shows it. Like the answer to validate it tells nothing of the customer and none of the metadata. */
type DocumentLicense = {
  id: string;
  key: string;
  name: string | null;
  expiresAt: Date | null;
  usesCount: number;
  maxMachines: number | null;
  maxUses: number | null;
  lastValidatedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

type DocumentPolicy = {
  id: string;
  name: string;
  floating: boolean;
  durationDays: number | null;
  expirationStrategy: string;
  maxMachines: number | null;
  maxUses: number | null;
  requireHeartbeat: boolean;
  heartbeatIntervalMinutes: number;
  createdAt: Date;
  updatedAt: Date;
};

type DocumentProduct = { id: string; name: string; code: string; createdAt: Date; updatedAt: Date };

type DocumentEntitlement = { id: string; name: string; code: string; createdAt: Date; updatedAt: Date };

type DocumentMachine = {
  id: string;
  fingerprint: string;
  name: string | null;
  platform: string | null;
  hostname: string | null;
  cores: number | null;
  metadata: Record<string, unknown>;
  lastHeartbeatAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

/** All there is to tell of a license; `include` picks what of it the file carries beside the license. */
export type DocumentSource = {
  license: DocumentLicense;
  policy: DocumentPolicy;
  product: DocumentProduct;
  entitlements: DocumentEntitlement[];
  /** The machine that the file is bound to; null for a file that any machine may use. */
  machine: DocumentMachine | null;
};

export const includable = ['entitlements', 'policy', 'product', 'machine'] as const;
export type Includable = (typeof includable)[number];

type Link = { type: string; id: string };

type Resource = Link & {
  attributes: Record<string, unknown>;
  relationships: Record<string, { data: Link | Link[] }>;
};

export type LicenseDocument = {
  data: Resource;
  included: Resource[];
  meta: { issued: string; expiry: string; ttl: number; kid: string };
};

/** Which key signs, from when, and for how many seconds. */
export type Term = { kid: string; issuedAt: Date; ttl: number };

/** The document of a license, or of a machine where the file is bound to one: that one always carries its license. */
export function composeDocument(source: DocumentSource, include: readonly Includable[], { kid, issuedAt, ttl }: Term): LicenseDocument {
  const license = licenseOf(source, include);
  const chosen = [...new Set(include)].flatMap((name) => includedAs(source, name));
  const meta = { issued: issuedAt.toISOString(), expiry: expiryOf({ issuedAt, ttl }).toISOString(), ttl, kid };
  if (source.machine === null) return { data: license, included: chosen, meta };
  return { data: machineOf(source.machine, source), included: [license, ...chosen], meta };
}

export function expiryOf({ issuedAt, ttl }: Pick<Term, 'issuedAt' | 'ttl'>): Date {
  return new Date(issuedAt.getTime() + ttl * 1000);
}

/** The machine of a bound file is its `data` and stands nowhere else. */
function includedAs({ policy, product, entitlements }: DocumentSource, name: Includable): Resource[] {
  switch (name) {
    case 'entitlements':
      return entitlements.map(entitlementOf);
    case 'policy':
      return [policyOf(policy, product)];
    case 'product':
      return [productOf(product)];
    case 'machine':
      return [];
  }
}

function licenseOf({ license, policy, product, entitlements }: DocumentSource, include: readonly Includable[]): Resource {
  const { id, key, name, expiresAt, usesCount, maxMachines, maxUses, lastValidatedAt, createdAt, updatedAt } = license;
  return {
    type: 'licenses',
    id,
    attributes: {
      name, key, expiry: expiresAt, status: 'ACTIVE', uses: usesCount, suspended: false, scheme: null,
      floating: policy.floating, maxMachines, maxUses, requireHeartbeat: policy.requireHeartbeat,
      lastValidated: lastValidatedAt, metadata: {}, created: createdAt, updated: updatedAt,
    },
    relationships: {
      product: { data: { type: 'products', id: product.id } },
      policy: { data: { type: 'policies', id: policy.id } },
      ...(include.includes('entitlements') && { entitlements: { data: entitlements.map((entitlement) => ({ type: 'entitlements', id: entitlement.id })) } }),
    },
  };
}

function machineOf(machine: DocumentMachine, { license, policy }: DocumentSource): Resource {
  const { id, fingerprint, name, platform, hostname, cores, metadata, lastHeartbeatAt, createdAt, updatedAt } = machine;
  const { requireHeartbeat, heartbeatIntervalMinutes } = policy;
  return {
    type: 'machines',
    id,
    attributes: {
      fingerprint, name, platform, hostname, cores, metadata, requireHeartbeat,
      heartbeatStatus: lastHeartbeatAt === null ? 'NOT_STARTED' : 'ALIVE',
      heartbeatDuration: requireHeartbeat ? heartbeatIntervalMinutes * 60 : null,
      lastHeartbeat: lastHeartbeatAt, created: createdAt, updated: updatedAt,
    },
    relationships: { license: { data: { type: 'licenses', id: license.id } } },
  };
}

function policyOf(policy: DocumentPolicy, product: DocumentProduct): Resource {
  const { id, name, floating, durationDays, expirationStrategy, maxMachines, maxUses, requireHeartbeat, createdAt, updatedAt } = policy;
  return {
    type: 'policies',
    id,
    attributes: {
      name, duration: durationDays === null ? null : durationDays * 86_400, expirationStrategy, floating, maxMachines, maxUses,
      requireHeartbeat, created: createdAt, updated: updatedAt,
    },
    relationships: { product: { data: { type: 'products', id: product.id } } },
  };
}

function productOf({ id, name, code, createdAt, updatedAt }: DocumentProduct): Resource {
  return { type: 'products', id, attributes: { name, code, created: createdAt, updated: updatedAt }, relationships: {} };
}

function entitlementOf({ id, name, code, createdAt, updatedAt }: DocumentEntitlement): Resource {
  return { type: 'entitlements', id, attributes: { name, code, metadata: {}, created: createdAt, updated: updatedAt }, relationships: {} };
}
