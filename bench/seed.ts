import { sql } from 'kysely';
import { type Database, inTransaction, query } from '../src/database/orm.ts';
import { newId } from '../src/database/uuid.ts';
import type { LicenseKeys } from '../src/licensing/license-key.ts';

/** A license as the load asks for it. */
export type Seeded = { key: string; hash: string; fingerprint: string };

const BATCH = 5_000;

/**
 * Seeds licenses as they are in daily use, each with a machine that was seen before and two entitlements: half of a policy without
 * maxUses, half of one whose exact counter never runs out.
 */
export async function seed(database: Database, keys: LicenseKeys, scopeId: number, count: number): Promise<{ uncounted: Seeded[]; counted: Seeded[] }> {
  const now = new Date();
  const [productId, uncountedId, countedId, ...entitlementIds] = Array.from({ length: 5 }, () => newId());
  const tx = database.em.fork();
  await query(tx, sql`insert into products (id, scope_id, name, code, key_prefix, metadata, created_at, updated_at) values (${productId}, ${scopeId}, 'Bench', 'BENCH', 'BENCH', '{}', ${now}, ${now})`);
  for (const [id, maxUses] of [[uncountedId, null], [countedId, 2_000_000_000]]) {
    await query(tx, sql`
      insert into policies (id, scope_id, product_id, name, max_machines, max_uses, floating, expiration_strategy, require_heartbeat, heartbeat_interval_minutes,
        heartbeat_cull_strategy, require_fingerprint, fingerprint_uniqueness, offline_allowed, offline_max_days, allow_machine_transfer, is_trial, overridable, metadata, created_at, updated_at)
      values (${id}, ${scopeId}, ${productId}, 'Bench', 3, ${maxUses}, false, 'RESTRICT_ACCESS', true, 1440, 'KEEP_DEAD', true, 'PER_LICENSE', true, 14, false, false, true, '{}', ${now}, ${now})`);
  }
  for (const [n, id] of entitlementIds.entries()) await query(tx, sql`insert into entitlements (id, scope_id, code, name, metadata, created_at, updated_at) values (${id}, ${scopeId}, ${`feature-${n}`}, 'Feature', '{}', ${now}, ${now})`);
  const seeded: Seeded[] = [];
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, n) => licenseOf(keys, n % 2 ? countedId ?? '' : uncountedId ?? ''));
    await inTransaction(database, async (batchTx) => {
      await query(batchTx, sql`
        insert into licenses (id, scope_id, key_hash, key_encrypted, product_id, policy_id, vendor_status, expires_at, uses_count, metadata, billing_renews, last_validated_at, fingerprints_count, created_at, updated_at)
        select id, ${scopeId}, hash, sealed, ${productId}, policy_id, 'active', ${new Date(now.getTime() + 31_536_000_000)}, 0, '{}', false, ${now}, 1, ${now}, ${now}
        from unnest(${batch.map(({ id }) => id)}::uuid[], ${batch.map(({ hash }) => hash)}::bytea[], ${batch.map(({ sealed }) => sealed)}::bytea[], ${batch.map(({ policyId }) => policyId)}::uuid[]) as b (id, hash, sealed, policy_id)`);
      await query(batchTx, sql`
        insert into machines (id, scope_id, license_id, fingerprint, metadata, created_at, updated_at)
        select machine_id, ${scopeId}, id, fingerprint, '{}', ${now}, ${now}
        from unnest(${batch.map(({ id }) => id)}::uuid[], ${batch.map(({ machineId }) => machineId)}::uuid[], ${batch.map(({ fingerprint }) => fingerprint)}::text[]) as b (id, machine_id, fingerprint)`);
      await query(batchTx, sql`
        insert into license_fingerprints (scope_id, license_id, fingerprint_hash, first_seen_at)
        select ${scopeId}, id, sha256(fingerprint::bytea), ${now}
        from unnest(${batch.map(({ id }) => id)}::uuid[], ${batch.map(({ fingerprint }) => fingerprint)}::text[]) as b (id, fingerprint)`);
      await query(batchTx, sql`
        insert into license_entitlements (scope_id, license_id, entitlement_id, granted_by)
        select ${scopeId}, id, entitlement_id, 'vendor' from unnest(${batch.map(({ id }) => id)}::uuid[]) as b (id), unnest(${entitlementIds}::uuid[]) as e (entitlement_id)`);
    });
    seeded.push(...batch.map(({ key, hash, fingerprint }) => ({ key, hash: hash.toString('hex'), fingerprint })));
    process.stdout.write(`\rseeding licenses: ${seeded.length} of ${count}`);
  }
  process.stdout.write('\n');
  await tx.execute('vacuum (analyze)');
  return { uncounted: seeded.filter((_, n) => n % 2 === 0), counted: seeded.filter((_, n) => n % 2 === 1) };
}

function licenseOf(keys: LicenseKeys, policyId: string) {
  const key = keys.mint('BENCH');
  return { id: newId(), machineId: newId(), policyId, key, hash: keys.read(key).hash, sealed: keys.encrypt(key), fingerprint: `fingerprint-${newId()}` };
}
