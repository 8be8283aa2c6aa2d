import { z } from 'zod';
import { AppError, type Result } from '../../errors.ts';
import { featuresOf } from '../../licensing/core/features.ts';
import { effectiveStatus, type Status } from '../../licensing/core/status.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { heardOf, type ShownMachine, viewMachine } from '../../licensing/machine-view.ts';
import type { LicenseDetails } from '../../licensing/read-licenses.ts';
import { granted } from '../http/answer.ts';
import type { OtherInterface } from './other-interface.ts';

/** What RustBill's interface shows, in its words. */

export const rustbillStatuses = ['active', 'expired', 'suspended', 'revoked'] as const;
type RustbillStatus = (typeof rustbillStatuses)[number];

const time = z.iso.datetime();
const limit = z.int().positive().nullable();
const count = z.int().min(0);

/** What whoever holds a key is told of its license. */
const verified = { status: z.enum(rustbillStatuses), features: z.record(z.string(), z.unknown()), expiresAt: time.nullable() };

const refused = z.strictObject({ valid: z.literal(false), error: z.string(), message: z.string(), status: z.enum(rustbillStatuses).optional(), maxActivations: limit.optional(), currentActivations: count.optional() });

export const answers = {
  license: z.strictObject({ id: z.uuid(), licenseKey: z.string(), customerId: z.uuid().nullable(), productId: z.uuid(), maxActivations: limit, currentActivations: count, createdAt: time, ...verified }),
  activation: z.strictObject({ id: z.uuid(), deviceId: z.string(), deviceName: z.string().nullable(), status: z.enum(['alive', 'dead']), activatedAt: time, lastSeenAt: time }),
  verified: z.union([z.strictObject({ valid: z.boolean(), ...verified }), refused]),
  validated: z.union([z.strictObject({ valid: z.literal(true), maxActivations: limit, currentActivations: count, ...verified }), refused]),
};

/** It knows no ban: who is banned has no license any more. */
function statusOf(status: Status): RustbillStatus {
  return status === 'banned' ? 'revoked' : status;
}

export function statusAt(license: LicenseDetails, { slackHours }: Pick<Licensing, 'slackHours'>, now: Date): RustbillStatus {
  return statusOf(effectiveStatus(license, slackHours, now));
}

/** As in its examples: with no fraction where there is none. */
function shownTime(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

/** What verifying and validating tell of a license. */
export function viewVerified(license: LicenseDetails, licensing: Pick<Licensing, 'slackHours'>, now: Date) {
  return { status: statusAt(license, licensing, now), features: featuresOf(license), expiresAt: license.expiresAt && shownTime(license.expiresAt) };
}

export function viewActivationsOf({ maxMachines, machineCount }: LicenseDetails) {
  return { maxActivations: maxMachines, currentActivations: machineCount };
}

export function viewLicense(licensing: Licensing, now: Date): (license: LicenseDetails) => object {
  return (license) => {
    const { id, customerId, productId, createdAt } = license;
    const { status, features, expiresAt } = viewVerified(license, licensing, now);
    return { id, licenseKey: licensing.keys.decrypt(license.keyEncrypted), customerId, productId, status, ...viewActivationsOf(license), features, expiresAt, createdAt: shownTime(createdAt) };
  };
}

export function viewActivation(now: Date): (shown: ShownMachine) => object {
  return (shown) => {
    const { id, fingerprint, name, status, createdAt } = viewMachine(shown, now);
    return { id, deviceId: fingerprint, deviceName: name, status, activatedAt: shownTime(createdAt), lastSeenAt: shownTime(heardOf(shown.machine)) };
  };
}

/** What was granted of a license that the request named by its key. */
export function ofLicense<T>(result: Result<T>): T {
  if (!result.ok && result.refused === 'NOT_FOUND') throw new AppError('LICENSE_NOT_FOUND', 404, 'No license has this key.');
  return granted(result);
}

/** Its words for our codes, where they are not the same in small letters. */
const errors: Record<string, string> = { VALIDATION_ERROR: 'invalid_request', INTERNAL: 'internal_error', UNAVAILABLE: 'service_unavailable' };

/** What is said of a field whose id is nobody's. */
const unknownIds: Record<string, string> = { customerId: 'customer_not_found', productId: 'product_not_found' };

const issuesShape = z.object({ issues: z.tuple([z.object({ path: z.tuple([z.string()]), code: z.string().startsWith('unknown_') })]) });

export const showFailure: OtherInterface['showFailure'] = ({ code, status, publicMessage: message, details }) => {
  const unknown = unknownIds[issuesShape.safeParse(details).data?.issues[0].path[0] ?? ''];
  if (unknown !== undefined) return { status: 404, body: { error: unknown, message } };
  return { status, body: { error: errors[code] ?? code.toLowerCase(), message } };
};
