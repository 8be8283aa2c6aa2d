import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { Entitlement, Product } from '../database/catalog-rows.ts';
import { License, type LicenseRow, Machine, type MachineRow } from '../database/license-rows.ts';
import { inTransaction, type Transaction } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, ok, refuse, type Refused, type Result } from '../errors.ts';
import { composeDocument, type DocumentSource, expiryOf, includable } from './core/license-document.ts';
import { fingerprint, isDead } from './core/machine.ts';
import { chooseTtl, type TtlBounds, ttlBounds } from './core/offline-ttl.ts';
import { activeUntil, effectiveStatus, type Status } from './core/status.ts';
import { details as sentenceOf, refusedState } from './core/verdict.ts';
import { writeLicenseFile } from './license-file.ts';
import { viewLicense } from './license-view.ts';
import type { Licensing } from './licensing.ts';
import { recordEvents } from './record-event.ts';
import type { Signer, SigningKeys } from './signing-keys.ts';
import { detailsOf, type LicenseDetails } from './store.ts';

/** `ttl` is in seconds. */
export const checkOutRequest = z.strictObject({
  fingerprint: fingerprint.optional(),
  ttl: z.int().optional(),
  encrypt: z.boolean().default(false),
  include: z.array(z.enum(includable)).max(16).default([]),
});

type CheckOutRequest = z.output<typeof checkOutRequest>;

export type CheckedOut = { certificate: string; algorithm: string; fingerprint: string | null; issuedAt: Date; expiresAt: Date; ttl: number };

/** A license that somebody wants a file of, the machine the file is for, and what was asked. */
type Wanted = { license: LicenseDetails; machine: MachineRow | null; request: CheckOutRequest };

/**
 * Signs an offline file of a license that is good now, and tells so in the same commit. `own` is the one license that the caller may
 * name, null for any of the scope.
 */
export async function checkOutLicense(
  { database, keys, slackHours, signingKeys }: Licensing & { signingKeys: SigningKeys },
  { scope, id, own }: { scope: Scope; id: string; own: string | null },
  request: CheckOutRequest,
  now: Date,
): Promise<Result<CheckedOut>> {
  // Asked first: who holds a connection must not wait for another.
  const signer = await signingKeys.currentSigner();
  return inTransaction(database, async (tx) => {
    const row = own === null || own === id.toLowerCase() ? await tx.findOne(License, liveRow(scope, id), { lockMode: LockMode.PESSIMISTIC_WRITE }) : null;
    if (row === null) return notFound();
    const wanted = await wantedOf(tx, row, request);
    const { license } = wanted;
    const bounds = ttlBounds({ offlineMaxDays: license.policy.offlineMaxDays, activeUntil: activeUntil(license, slackHours) }, now);
    const ttl = chooseTtl(request.ttl, bounds);
    const refused = refusalOf(wanted, effectiveStatus(license, slackHours, now), now);
    if (refused !== null) return refused;
    if (ttl === null) return outOfRange(bounds);
    const source = await sourceOf(tx, wanted, keys.decrypt(license.keyEncrypted));
    await recordEvents(tx, [{ scopeId: scope.id, type: 'license.checked_out', licenseId: license.id, data: viewLicense(license, slackHours, now) }], now);
    return ok(write(source, request, { signer, ttl }, now));
  });
}

async function wantedOf(tx: Transaction, row: LicenseRow, request: CheckOutRequest): Promise<Wanted> {
  const license = await detailsOf(tx, row);
  const { fingerprint } = request;
  const machine = fingerprint === undefined ? null : await tx.findOne(Machine, { licenseId: license.id, fingerprint, deletedAt: null });
  return { license, machine, request };
}

/**
 * Why no file is written, in the order of the guards of validate. A fingerprint that is sent must be an activated machine even where
 * none is required: the file would be for it alone.
 */
function refusalOf({ license, machine, request }: Wanted, status: Status, now: Date): Refused | null {
  const { policy } = license;
  const state = refusedState(status, policy.expirationStrategy);
  if (state !== null) return refuse(state, sentenceOf[state]);
  if (!policy.offlineAllowed) return refuse('OFFLINE_NOT_ALLOWED', 'The policy allows no offline files.');
  if (request.fingerprint === undefined) return policy.requireFingerprint ? refuse('FINGERPRINT_REQUIRED', sentenceOf.FINGERPRINT_REQUIRED) : null;
  if (machine === null) return refuse('FINGERPRINT_NOT_FOUND', sentenceOf.FINGERPRINT_NOT_FOUND);
  return isDead(machine, policy, now) ? refuse('HEARTBEAT_REQUIRED', sentenceOf.HEARTBEAT_REQUIRED) : null;
}

function outOfRange({ least, most }: TtlBounds): Refused {
  const range = most < least ? 'The license ends in less than an hour, and no file is shorter.' : `An offline file of this license lasts from ${least} to ${most} seconds.`;
  return refuse('TTL_OUT_OF_RANGE', range, { least, most });
}

/** What the file may tell. The entitlements are the policy's and the license's own. */
async function sourceOf(tx: Transaction, { license, machine }: Wanted, key: string): Promise<DocumentSource> {
  const { policy, scopeId } = license;
  const product = await tx.findOneOrFail(Product, { id: license.productId, scopeId });
  const entitlements = await tx.find(Entitlement, { scopeId, code: { $in: license.entitlements }, deletedAt: null }, { orderBy: { code: 'asc' } });
  return { license: { ...license, key }, policy, product, entitlements, machine };
}

function write(source: DocumentSource, { encrypt, include }: CheckOutRequest, { signer, ttl }: { signer: Signer; ttl: number }, issuedAt: Date): CheckedOut {
  const term = { kid: signer.kid, issuedAt, ttl };
  const file = writeLicenseFile(composeDocument(source, include, term), signer, encrypt ? { licenseKey: source.license.key } : null);
  return { ...file, fingerprint: source.machine?.fingerprint ?? null, issuedAt, expiresAt: expiryOf(term), ttl };
}
