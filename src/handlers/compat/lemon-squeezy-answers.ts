import { z } from 'zod';
import type { Scope } from '../../database/scope.ts';
import type { RefusalCode } from '../../errors.ts';
import { effectiveStatus } from '../../licensing/core/status.ts';
import type { VerdictCode } from '../../licensing/core/verdict.ts';
import { numberedOf, type NumberedLicense } from '../../licensing/numbers.ts';
import { readLicense } from '../../licensing/read-licenses.ts';
import { granted } from '../http/answer.ts';
import type { Answer, Answers } from '../http/route.ts';
import type { Flag } from './lemon-squeezy-failures.ts';
import type { InterfaceDependencies } from './other-interface.ts';

/** The license that a call is about. */
export type Asked = { scope: Scope; licenseId: string; now: Date };

/** What came of a call: `error` is null when it was done. */
export type Outcome = { error: string | null; instance?: z.output<typeof instanceShape> | null };

const number = z.int().positive();

const licenseShape = z.strictObject({
  id: number, status: z.enum(['inactive', 'active', 'expired', 'disabled']), key: z.string(), activation_limit: number.nullable(), activation_usage: z.int().min(0),
  created_at: z.iso.datetime(), expires_at: z.iso.datetime().nullable(), test_mode: z.boolean(),
});

const instanceShape = z.strictObject({ id: z.uuid(), name: z.string(), created_at: z.iso.datetime() });

const metaShape = z.strictObject({
  store_id: number, order_id: number.nullable(), order_item_id: number.nullable(), product_id: number, product_name: z.string(), variant_id: number, variant_name: z.string(),
  customer_id: number.nullable(), customer_name: z.string().nullable(), customer_email: z.string().nullable(),
});

/** The answer of a call, also of one that was refused: then with 400, a flag that is false and a sentence as `error`. */
export function answersOf(flag: Flag): Answers {
  const instance = flag === 'deactivated' ? {} : { instance: instanceShape.nullable() };
  return { status: 200, also: { status: 400, when: 'the license does not allow it' }, body: z.strictObject({ [flag]: z.boolean(), error: z.string().nullable(), license_key: licenseShape, ...instance, meta: metaShape }) };
}

/** Tells what came of a call, with the license as it is then. */
export async function answer(dependencies: InterfaceDependencies, flag: Flag, { scope, licenseId, now }: Asked, { error, ...instance }: Outcome): Promise<Answer> {
  const license = await numberedOf(dependencies.database, granted(await readLicense(dependencies.database, { scope, id: licenseId, own: licenseId })));
  const about = { license_key: viewLicenseKey(dependencies, scope, license, now), meta: viewMeta(scope, license) };
  return { status: error === null ? 200 : 400, body: { [flag]: error === null, error, ...about, ...instance } };
}

const DISABLED = 'This license key is disabled.';

/** What Lemon Squeezy says of a license that does not allow it. Apps look for parts of these sentences. */
const sentences = new Map<RefusalCode | VerdictCode, string>([
  ['BANNED', DISABLED],
  ['REVOKED', DISABLED],
  ['SUSPENDED', DISABLED],
  ['EXPIRED', 'This license key is expired.'],
  ['MACHINE_LIMIT_EXCEEDED', 'This license key has reached the activation limit.'],
  ['TRANSFER_NOT_ALLOWED', 'This instance was not activated here, and the policy of its license key has allowMachineTransfer set to false.'],
]);

export function refused(code: RefusalCode | VerdictCode, sentence: string): { error: string } {
  return { error: sentences.get(code) ?? sentence };
}

export function viewInstance({ id, name, createdAt }: { id: string; name: string | null; createdAt: Date }): z.output<typeof instanceShape> {
  return { id, name: name ?? '', created_at: inMicroseconds(createdAt) };
}

function viewLicenseKey({ keys, slackHours }: InterfaceDependencies, scope: Scope, license: NumberedLicense, now: Date): z.output<typeof licenseShape> {
  const { numbers, maxMachines, machineCount, createdAt, expiresAt } = license;
  return {
    id: numbers.license, status: statusOf(license, slackHours, now), key: keys.decrypt(license.keyEncrypted), activation_limit: maxMachines, activation_usage: machineCount,
    created_at: inMicroseconds(createdAt), expires_at: expiresAt && inMicroseconds(expiresAt), test_mode: scope.mode === 'test',
  };
}

function statusOf(license: NumberedLicense, slackHours: number, now: Date): z.output<typeof licenseShape>['status'] {
  const status = effectiveStatus(license, slackHours, now);
  switch (status) {
    case 'banned':
    case 'revoked':
    case 'suspended':
      return 'disabled';
    case 'expired':
      return status;
    case 'active':
      return license.machineCount > 0 ? status : 'inactive';
  }
}

/** A store is a scope, a variant a policy. What was not bought is of no order. */
function viewMeta(scope: Scope, { numbers, productName, policy, userName, userEmail }: NumberedLicense): z.output<typeof metaShape> {
  return {
    store_id: scope.id, order_id: numbers.order, order_item_id: numbers.order && numbers.license, product_id: numbers.product, product_name: productName,
    variant_id: numbers.policy, variant_name: policy.name, customer_id: numbers.customer, customer_name: userName, customer_email: userEmail,
  };
}

/** As Lemon Squeezy writes a moment: some readers of it take nothing else. */
function inMicroseconds(moment: Date): string {
  return moment.toISOString().replace('Z', '000Z');
}
