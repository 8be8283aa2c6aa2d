import type { Database } from '../database/orm.ts';
import { inBatches } from '../database/in-batches.ts';
import { dateOf, dateOrNull, type Prepared, runPrepared } from '../database/prepared.ts';
import type { BillingState } from './core/billing.ts';
import type { HeartbeatRule, Platform } from './core/machine.ts';
import type { ExpirationStrategy, HeartbeatCullStrategy } from './core/policy.ts';
import { NO_LIMIT } from './core/seat.ts';
import type { Standing, VendorStatus } from './core/status.ts';

/** What validate needs of a license and of the machine that asks, in one row of one statement. */
export type AskedLicense = Standing & {
  id: string;
  scopeId: number;
  name: string | null;
  productId: string;
  productCode: string;
  policyId: string;
  createdAt: Date;
  /** The time of its scope's rehearsal, if there is one. */
  testNow: Date | null;
  policy: HeartbeatRule & { expirationStrategy: ExpirationStrategy; requireFingerprint: boolean; floating: boolean; heartbeatCullStrategy: HeartbeatCullStrategy };
  maxMachines: number | null;
  maxUses: number | null;
  usesCount: number;
  /** Null: nobody watches for sharing. */
  maxUniqueFingerprints: number | null;
  entitlements: string[];
  /** The one with the fingerprint that was sent. */
  machine: AskedMachine | null;
  /** The machines that hold slots; read only where it matters: a required fingerprint is unknown and there is a limit. */
  rivals: { id: string; createdAt: Date; lastHeartbeatAt: Date | null }[];
};

type AskedMachine = {
  id: string; fingerprint: string; name: string | null; platform: Platform | null; hostname: string | null; cores: number | null;
  createdAt: Date; lastHeartbeatAt: Date | null;
};

/** `scopeId`: only a license of this scope; null for whichever has the key. */
type Asked = { keyHash: Buffer; fingerprint: string | null; scopeId: number | null };

/** A question a place, each by the index on the key's hash. Where several hold the same imported key, live answers before test, and who had it first. */
const statement: Prepared = {
  name: 'asked-licenses',
  text: `
    select q.place::int, l.id, l.scope_id, l.name, t.now as test_now, l.product_id, p.code as product_code, l.policy_id, l.created_at,
      l.vendor_status, l.enabled, l.expires_at, l.billing_state, l.billing_renews, l.grace_ends_at, c.banned_at is not null as customer_banned,
      o.expiration_strategy, o.require_fingerprint, o.floating,
      o.require_heartbeat, o.heartbeat_interval_minutes, greatest(o.heartbeat_required_since, l.policy_since) as heartbeat_required_since, o.heartbeat_cull_strategy,
      nullif(coalesce(l.max_machines_override, l.seats, o.max_machines), ${NO_LIMIT}) as max_machines, nullif(coalesce(l.max_uses_override, o.max_uses), ${NO_LIMIT}) as max_uses, l.uses_count, o.max_unique_fingerprints,
      array(
        select e.code from entitlements e where e.deleted_at is null and e.id in (
          select g.entitlement_id from license_entitlements g where g.scope_id = l.scope_id and g.license_id = l.id
          union all select g.entitlement_id from policy_entitlements g where g.scope_id = l.scope_id and g.policy_id = l.policy_id
        ) order by e.code
      ) as entitlements,
      m.id as machine_id, m.name as machine_name, m.platform, m.hostname, m.cores, m.created_at as machine_created_at, m.last_heartbeat_at,
      case when m.id is null and q.fingerprint is not null and o.require_fingerprint and not o.floating
          and nullif(coalesce(l.max_machines_override, l.seats, o.max_machines), ${NO_LIMIT}) is not null then (
        select json_agg(json_build_object('id', r.id, 'createdAt', r.created_at, 'lastHeartbeatAt', r.last_heartbeat_at))
        from machines r where r.license_id = l.id and r.deleted_at is null
      ) end as rivals
    from unnest($1::bytea[], $2::text[], $3::int[]) with ordinality as q (key_hash, fingerprint, scope_id, place)
    cross join lateral (
      select l.* from licenses l join scopes s on s.id = l.scope_id
      where l.key_hash = q.key_hash and l.scope_id = coalesce(q.scope_id, l.scope_id) and l.deleted_at is null order by s.mode, l.number limit 1
    ) l
    join products p on p.id = l.product_id
    join policies o on o.id = l.policy_id
    left join customers c on c.id = l.customer_id
    left join test_clocks t on t.scope_id = l.scope_id
    left join machines m on m.license_id = l.id and m.fingerprint = q.fingerprint and m.deleted_at is null`,
};

/** Reads licenses by their keys. Questions that wait together share one statement, and the same question is put once. */
export function askedLicenses(database: Database): (asked: Asked) => Promise<AskedLicense | null> {
  return inBatches<Asked, AskedLicense | null>(async (questions) => {
    const nameOf = ({ keyHash, fingerprint, scopeId }: Asked) => `${keyHash.toString('latin1')}${scopeId ?? ''} ${fingerprint ?? ''}`;
    const distinct = new Map(questions.map((asked) => [nameOf(asked), asked]));
    const places = [...distinct.values()];
    const rows = await runPrepared<AskedRow>(database, statement, [places.map(({ keyHash }) => keyHash), places.map(({ fingerprint }) => fingerprint), places.map(({ scopeId }) => scopeId)]);
    const found = new Map<string, AskedLicense>();
    for (const row of rows) {
      const asked = places[row.place - 1];
      if (asked) found.set(nameOf(asked), readRow(row, asked.fingerprint));
    }
    return questions.map((asked) => found.get(nameOf(asked)) ?? null);
  });
}

type AskedRow = {
  place: number; id: string; scope_id: number; name: string | null; product_id: string; product_code: string; policy_id: string; created_at: string; test_now: string | null;
  vendor_status: VendorStatus; enabled: boolean; expires_at: string | null; billing_state: BillingState | null; billing_renews: boolean; grace_ends_at: string | null;
  customer_banned: boolean; expiration_strategy: ExpirationStrategy; require_fingerprint: boolean; floating: boolean;
  require_heartbeat: boolean; heartbeat_interval_minutes: number; heartbeat_required_since: string | null; heartbeat_cull_strategy: HeartbeatCullStrategy;
  max_machines: number | null; max_uses: number | null; uses_count: number; max_unique_fingerprints: number | null; entitlements: string[];
  machine_id: string | null; machine_name: string | null; platform: Platform | null; hostname: string | null; cores: number | null;
  machine_created_at: string | null; last_heartbeat_at: string | null;
  rivals: { id: string; createdAt: string; lastHeartbeatAt: string | null }[] | null;
};

function readRow(row: AskedRow, fingerprint: string | null): AskedLicense {
  return {
    id: row.id, scopeId: row.scope_id, name: row.name, productId: row.product_id, productCode: row.product_code, policyId: row.policy_id,
    createdAt: dateOf(row.created_at), testNow: dateOrNull(row.test_now), vendorStatus: row.vendor_status, enabled: row.enabled, expiresAt: dateOrNull(row.expires_at), customerBanned: row.customer_banned,
    billingState: row.billing_state, billingRenews: row.billing_renews, graceEndsAt: dateOrNull(row.grace_ends_at),
    policy: {
      expirationStrategy: row.expiration_strategy, requireFingerprint: row.require_fingerprint, floating: row.floating,
      requireHeartbeat: row.require_heartbeat, heartbeatIntervalMinutes: row.heartbeat_interval_minutes,
      heartbeatRequiredSince: dateOrNull(row.heartbeat_required_since), heartbeatCullStrategy: row.heartbeat_cull_strategy,
    },
    maxMachines: row.max_machines, maxUses: row.max_uses, usesCount: row.uses_count, maxUniqueFingerprints: row.max_unique_fingerprints, entitlements: row.entitlements,
    machine: readMachine(row, fingerprint),
    rivals: (row.rivals ?? []).map(({ id, createdAt, lastHeartbeatAt }) => ({ id, createdAt: dateOf(createdAt), lastHeartbeatAt: dateOrNull(lastHeartbeatAt) })),
  };
}

function readMachine(row: AskedRow, fingerprint: string | null): AskedMachine | null {
  if (row.machine_id === null || row.machine_created_at === null || fingerprint === null) return null;
  const { machine_id: id, machine_name: name, platform, hostname, cores } = row;
  return { id, fingerprint, name, platform, hostname, cores, createdAt: dateOf(row.machine_created_at), lastHeartbeatAt: dateOrNull(row.last_heartbeat_at) };
}
