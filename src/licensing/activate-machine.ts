import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import { License, Machine, type MachineRow } from '../database/license-rows.ts';
import { inTransaction, query, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import { notFound, ok, type Refusal, refuse, type Result } from '../errors.ts';
import { fingerprint, machineFields } from './core/machine.ts';
import { findSeat } from './core/seat.ts';
import { effectiveStatus } from './core/status.ts';
import { details as sentenceOf, refusedState } from './core/verdict.ts';
import type { Licensing } from './licensing.ts';
import { removeMachine, type ShownMachine, tellMachine } from './machine-view.ts';
import { detailsOf, type LicenseDetails } from './store.ts';
import { writeChanges } from './write-changes.ts';

export const activateRequest = machineFields.partial().extend({ fingerprint });

type ActivateRequest = z.output<typeof activateRequest>;

export type Activation = ShownMachine & { fresh: boolean };

/**
 * Activates a machine on a license, or finds the one with this fingerprint. The license's row is locked first, so that of any
 * number at once no more get in than the limit allows; then the fingerprint, so that two licenses cannot take it at once
 * where the policy wants it for one.
 */
export async function activateMachine(
  { database, slackHours }: Licensing,
  { scope, licenseId }: { scope: Scope; licenseId: string },
  request: ActivateRequest,
  now: Date,
): Promise<Result<Activation>> {
  return inTransaction(database, async (tx) => {
    const row = await tx.findOne(License, liveRow(scope, licenseId), { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (row === null) return notFound();
    const license = await detailsOf(tx, row);
    const refused = refusedState(effectiveStatus(license, slackHours, now), license.policy.expirationStrategy);
    if (refused) return refuse(refused, sentenceOf[refused]);
    const machines = await tx.find(Machine, { licenseId: license.id, deletedAt: null });
    const known = machines.find((machine) => machine.fingerprint === request.fingerprint);
    if (known) {
      writeChanges(known, request, now);
      return ok({ machine: known, policy: license.policy, fresh: false });
    }
    return addMachine(tx, { scope, license, machines, request }, now);
  });
}

type Newcomer = { scope: Scope; license: LicenseDetails; machines: MachineRow[]; request: ActivateRequest };

async function addMachine(tx: Transaction, { scope, license, machines, request }: Newcomer, now: Date): Promise<Result<Activation>> {
  const { policy } = license;
  const taken = await refuseTaken(tx, license, request.fingerprint);
  if (taken) return taken;
  const limit = license.maxMachines;
  const seat = findSeat(machines, { limit, policy }, now);
  if (!seat.free) {
    return refuse('MACHINE_LIMIT_EXCEEDED', `The license allows ${limit} machines and ${seat.count} are activated. Deactivate one first.`, { limit: limit ?? 0, count: seat.count });
  }
  for (const machine of seat.removed) await removeMachine(tx, { machine, policy, died: true }, now);
  if (seat.evicted) await removeMachine(tx, { machine: seat.evicted, policy, died: false }, now);
  const { name = null, platform = null, hostname = null, cores = null, metadata = {} } = request;
  const machine = tx.create(Machine, {
    id: newId(), scopeId: scope.id, licenseId: license.id, fingerprint: request.fingerprint, name, platform, hostname, cores, metadata,
    lastHeartbeatAt: null, createdAt: now, updatedAt: now, deletedAt: null,
  });
  await tx.persist(machine).flush();
  await tellMachine(tx, { type: 'machine.activated', machine, policy }, now);
  return ok({ machine, policy, fresh: true });
}

/** Whether a live machine of another license holds the fingerprint where the policy wants it for one license alone. */
async function refuseTaken(tx: Transaction, license: LicenseDetails, fingerprint: string): Promise<({ ok: false } & Refusal) | null> {
  const { policy, scopeId } = license;
  await query(tx, sql`select pg_advisory_xact_lock(hashtextextended(${fingerprint}, ${scopeId}))`);
  if (policy.fingerprintUniqueness === 'PER_LICENSE') return null;
  const samePolicy = policy.fingerprintUniqueness === 'PER_POLICY' ? policy.id : null;
  const holders = await query(tx, sql`
    select 1 from machines m join licenses l on l.id = m.license_id
    where m.scope_id = ${scopeId} and m.fingerprint = ${fingerprint} and m.deleted_at is null and m.license_id <> ${license.id}
      and (${samePolicy}::uuid is null or l.policy_id = ${samePolicy}::uuid) limit 1`);
  return holders.length === 0 ? null : refuse('FINGERPRINT_TAKEN', 'Another license has a machine with this fingerprint. Deactivate it there first.');
}
