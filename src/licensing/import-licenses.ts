import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Product } from '../database/catalog-rows.ts';
import { License, type LicenseRow, Machine, type MachineRow } from '../database/license-rows.ts';
import { inTransaction, isUnavailable, query, type Transaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import { type ImportedActivation, standingOf } from './core/imported-license.ts';
import { diesAt, isDead } from './core/machine.ts';
import { overrideFor } from './core/seat.ts';
import { customersFor } from './customer-for.ts';
import { expectLookalikes } from './find-license.ts';
import { newLicense } from './issue-license.ts';
import type { Licensing } from './licensing.ts';
import { machineEvent } from './machine-view.ts';
import { type ImportLine, type Plan, planImport, type RefusedLine } from './plan-import.ts';
import { recordEvents } from './record-event.ts';
import { policyOf } from './store.ts';
import { tellLife } from './tell-life.ts';

/** What a batch came to, or would: licenses and machines that are new, those that are there already, and what is refused. */
export type Imported = { licenses: number; licensesThere: number; machines: number; machinesThere: number; refused: RefusedLine[] };

const MOST_TRIES = 5;

/**
 * Imports a batch of licenses with their customers and machines, in one transaction: what is there already stays as it is, so that an import
 * may be run again; what is refused takes nothing else with it. Keys, and ids of machines, stay as they are. Nobody is mailed. A dry run says what would come of it.
 */
export async function importLicenses(licensing: Licensing, scope: Scope, { lines, dryRun }: { lines: ImportLine[]; dryRun: boolean }, now: Date): Promise<Imported> {
  for (let tries = 1; ; tries += 1) {
    const imported = await importOnce(licensing, scope, { lines, dryRun }, now).catch((error: unknown) => {
      // Somebody took a key or a lock at the same moment: what they made is found the next time.
      if (tries < MOST_TRIES && (error instanceof UniqueConstraintViolationException || isUnavailable(error))) return null;
      throw error;
    });
    if (imported !== null) return imported;
  }
}

async function importOnce(licensing: Licensing, scope: Scope, { lines, dryRun }: { lines: ImportLine[]; dryRun: boolean }, now: Date): Promise<Imported> {
  return inTransaction(licensing.database, async (tx) => {
    // Of two imports at once one waits for the other's batch, and then finds what is in it.
    if (!dryRun) await query(tx, sql`select pg_advisory_xact_lock(hashtextextended('import of licenses', ${scope.id}))`);
    const { plans, refused } = await planImport(tx, licensing, { scope, lines });
    if (!dryRun) await carryOut(tx, licensing, { scope, plans }, now);
    const fresh = plans.filter(({ known }) => known === null);
    const machines = plans.reduce((sum, plan) => sum + plan.machines.length, 0);
    const machinesThere = plans.reduce((sum, plan) => sum + plan.machinesThere, 0);
    return { licenses: fresh.length, licensesThere: plans.length - fresh.length, machines, machinesThere, refused };
  });
}

async function carryOut(tx: Transaction, licensing: Licensing, { scope, plans }: { scope: Scope; plans: Plan[] }, now: Date): Promise<void> {
  const customerIds = await customersOf(tx, scope, plans, now);
  const products = await tx.find(Product, { id: { $in: [...new Set(plans.flatMap(({ policy }) => policy?.productId ?? []))] } });
  const made: LicenseRow[] = [];
  const machines: { row: MachineRow; plan: Plan }[] = [];
  for (const plan of plans) {
    const product = products.find(({ id }) => id === plan.policy?.productId);
    const license = plan.known ?? (product && tx.create(License, rowOf(licensing, { scope, plan, product, customerId: customerIds.get(plan) ?? null }, now)));
    if (!license) continue;
    if (plan.known === null) made.push(license);
    machines.push(...plan.machines.map(({ activation }) => ({ plan: { ...plan, known: license }, row: tx.create(Machine, machineOf(activation, { license, plan }, now)) })));
  }
  tx.persist(made);
  await tellLife(tx, licensing, { scope, licenses: made, occasion: { by: 'vendor', event: 'license.created' } }, now);
  await tx.persist(machines.map(({ row }) => row)).flush();
  const events = machines.flatMap(({ row, plan: { known, policy } }) => (known && policy ? [machineEvent('machine.activated', { machine: row, policy: policyOf(known, policy) }, now)] : []));
  await recordEvents(tx, events, now);
  if (made.some(({ keyLookalike }) => keyLookalike)) expectLookalikes(licensing.database);
}

async function customersOf(tx: Transaction, scope: Scope, plans: Plan[], now: Date): Promise<Map<Plan, string>> {
  const contacts = plans.flatMap((plan) => (plan.known === null && plan.line.license.email !== null ? [{ plan, email: plan.line.license.email, name: plan.line.license.customer }] : []));
  const customers = contacts.length === 0 ? [] : await customersFor(tx, scope, contacts, now);
  return new Map(contacts.flatMap(({ plan }, n) => (customers[n] ? [[plan, customers[n].id]] : [])));
}

function rowOf({ keys }: Licensing, { scope, plan, product, customerId }: { scope: Scope; plan: Plan; product: Parameters<typeof newLicense>[1]['product']; customerId: string | null }, now: Date): LicenseRow {
  const { license } = plan.line;
  if (plan.policy === null) throw new Error('a license is imported under no policy');
  const blank = newLicense(keys, { scope, policy: plan.policy, product, key: license.key }, now);
  const { vendorStatus, expiresAt } = standingOf(license, now);
  return {
    ...blank,
    // A name without an address makes no customer; it is kept all the same.
    name: license.name ?? (license.email === null ? license.customer : null),
    vendorStatus,
    expiresAt: expiresAt === undefined ? blank.expiresAt : expiresAt,
    vendorExpiresAt: expiresAt ?? null,
    maxMachinesOverride: overrideFor(license.limit, plan.policy.maxMachines),
    maxUsesOverride: overrideFor(license.max_uses, plan.policy.maxUses),
    usesCount: license.uses,
    customerId,
    metadata: license.metadata,
  };
}

/** A machine keeps the day it was activated, unless it would be dead for it under a policy that asks for heartbeats, of which it knew nothing. */
function machineOf(activation: ImportedActivation, { license, plan }: { license: LicenseRow; plan: Plan }, now: Date): MachineRow {
  const { id, fingerprint, name, platform, hostname, cores, metadata, created_at: activatedAt } = activation;
  if (plan.policy === null) throw new Error('a machine is imported under no policy');
  const rule = policyOf(license, plan.policy);
  const lived = activatedAt === null || activatedAt > now ? now : activatedAt;
  const createdAt = isDead({ createdAt: lived, lastHeartbeatAt: null }, rule, now) ? now : lived;
  return {
    // One that is known by nothing but its id was given it by the system it comes from.
    minted: fingerprint.toLowerCase() === id,
    id: id ?? newId(), scopeId: license.scopeId, licenseId: license.id, fingerprint, name, platform, hostname, cores, metadata,
    lastHeartbeatAt: null, dueAt: diesAt({ createdAt, lastHeartbeatAt: null }, rule), diedAt: null, createdAt, updatedAt: now, deletedAt: null,
  };
}
