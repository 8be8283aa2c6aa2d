import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import { Policy } from '../database/catalog-rows.ts';
import { License, Machine, type MachineRow } from '../database/license-rows.ts';
import { inTransaction, query, type Transaction } from '../database/orm.ts';
import { dateOf, dateOrNull } from '../database/prepared.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { newId } from '../database/uuid.ts';
import { notFound, ok, refuse, type Refused, type Result } from '../errors.ts';
import { diesAt, fateOf, fingerprint, machineFields, takenOff } from './core/machine.ts';
import { findSeat } from './core/seat.ts';
import { effectiveStatus } from './core/status.ts';
import { details as sentenceOf, refusedState } from './core/verdict.ts';
import type { Licensing } from './licensing.ts';
import { machineEvent, type ShownMachine } from './machine-view.ts';
import { recordEvents } from './record-event.ts';
import { settleSeated } from './settle-machines.ts';
import { detailsOf, type LicenseDetails } from './store.ts';
import { tellLimit } from './tell-limit.ts';
import { writeChanges } from './write-changes.ts';

export const activateRequest = machineFields.partial().extend({ fingerprint });

/** `minted`: the fingerprint was made for an app that has none. */
type ActivateRequest = z.output<typeof activateRequest> & { minted?: boolean };

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
    // A policy that begins to ask for heartbeats looks at the machines there are: this one is there before, or is made by the new rule.
    await tx.findOne(Policy, { id: row.policyId }, { lockMode: LockMode.PESSIMISTIC_READ });
    const license = await detailsOf(tx, row);
    const refused = refusedState(effectiveStatus(license, slackHours, now), license.policy.expirationStrategy);
    if (refused) return refuse(refused, sentenceOf[refused]);
    const known = await tx.findOne(Machine, { licenseId: license.id, fingerprint: request.fingerprint, deletedAt: null });
    if (known) {
      writeChanges(known, request, now);
      return ok({ machine: known, policy: license.policy, fresh: false });
    }
    const added = await addMachine(tx, { scope, license, request }, now);
    if (!added.ok) return added;
    if (added.value.lastSlot) await tellLimit(tx, { license: row, kind: 'machines', slackHours }, now);
    return ok({ machine: added.value.machine, policy: license.policy, fresh: true });
  });
}

type Newcomer = { scope: Scope; license: LicenseDetails; request: ActivateRequest };

async function addMachine(tx: Transaction, { scope, license, request }: Newcomer, now: Date): Promise<Result<{ machine: MachineRow; lastSlot: boolean }>> {
  const { policy } = license;
  const taken = await refuseTaken(tx, license, request.fingerprint);
  if (taken) return taken;
  const room = await makeRoom(tx, license, now);
  if (!room.ok) return room;
  const { minted = false, name = null, platform = null, hostname = null, cores = null, metadata = {} } = request;
  const machine = tx.create(Machine, {
    id: newId(), scopeId: scope.id, licenseId: license.id, fingerprint: request.fingerprint, minted, name, platform, hostname, cores, metadata,
    lastHeartbeatAt: null, dueAt: diesAt({ createdAt: now, lastHeartbeatAt: null }, policy), diedAt: null, createdAt: now, updatedAt: now, deletedAt: null,
  });
  await tx.persist(machine).flush();
  await recordEvents(tx, [machineEvent('machine.activated', { machine, policy }, now)], now);
  return ok({ machine, lastSlot: room.value.last });
}

/**
 * Takes off what must go for one more machine, or refuses. `last`: it takes the last slot that was free; one that was made free by an eviction
 * was taken before. Of the others only what counts is read: a license without a limit may have
 * any number, each with a lot to say of itself.
 */
async function makeRoom(tx: Transaction, { id: licenseId, maxMachines: limit, policy }: LicenseDetails, now: Date): Promise<Result<{ last: boolean }>> {
  if (limit === null) return ok({ last: false });
  const seated = await query(tx, sql<{ id: string; createdAt: string; lastHeartbeatAt: string | null }>`
    select id, created_at as "createdAt", last_heartbeat_at as "lastHeartbeatAt" from machines where license_id = ${licenseId} and deleted_at is null`);
  const rivals = seated.map(({ id, createdAt, lastHeartbeatAt }) => ({ id, createdAt: dateOf(createdAt), lastHeartbeatAt: dateOrNull(lastHeartbeatAt) }));
  const seat = findSeat(rivals, { limit, policy }, now);
  if (!seat.free) return refuse('MACHINE_LIMIT_EXCEEDED', `All machine slots of the license are taken: ${seat.count} of ${limit}. Deactivate a machine first.`, { limit, count: seat.count });
  await settleSeated(tx, seat.removed, { policy, fateOf: (machine) => fateOf(machine, policy, now) }, now);
  await settleSeated(tx, seat.evicted ? [seat.evicted] : [], { policy, fateOf: takenOff }, now);
  return ok({ last: rivals.length - seat.removed.length + 1 === limit });
}

/** Whether a live machine of another license holds the fingerprint where the policy wants it for one license alone. */
export async function refuseTaken(tx: Transaction, license: Pick<LicenseDetails, 'id' | 'scopeId' | 'policy'>, fingerprint: string): Promise<Refused | null> {
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
