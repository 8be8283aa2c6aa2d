import { z } from 'zod';
import { isExpired, effectiveStatus, type Status } from '../../licensing/core/status.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { NumberedLicense, NumberedMachine } from '../../licensing/numbers.ts';
import type { Answers } from '../http/route.ts';

/** What sell.app's interface shows, and how it pages. */

const id = z.int().min(0);
const time = z.iso.datetime();
const states = ['ACTIVE', 'INACTIVE', 'EXPIRED'] as const;

export const licenseKey = z.strictObject({
  id, key: z.string(), limit: z.int().positive().nullable(), active: z.boolean(), status: z.enum(states), expires_at: time.nullable(), is_expired: z.boolean(),
  store_id: id, order_id: id.nullable(), invoice_id: z.null(), product_id: id, variant_id: id, customer_id: id, subscription_id: id.nullable(),
  created_at: time, updated_at: time, instances_count: z.int().min(0),
});

export const instance = z.strictObject({ id: z.uuid(), license_key_id: id, name: z.string(), store_id: id, created_at: time, updated_at: time });

/** What a license would be if it were switched on. */
const stateOf: Record<Status, (typeof states)[number]> = { active: 'ACTIVE', expired: 'EXPIRED', suspended: 'INACTIVE', revoked: 'INACTIVE', banned: 'INACTIVE' };

/** There `customer_id` is never null, and readers rely on it: nobody is customer 0. */
const NOBODY = 0;

export function viewLicenseKey({ keys, slackHours }: Pick<Licensing, 'keys' | 'slackHours'>, license: NumberedLicense, now: Date): object {
  const { numbers, scopeId, enabled } = license;
  return {
    id: numbers.license, key: keys.decrypt(license.keyEncrypted), limit: license.maxMachines, active: enabled,
    status: stateOf[effectiveStatus({ ...license, enabled: true }, slackHours, now)],
    expires_at: license.expiresAt, is_expired: isExpired(license, slackHours, now),
    store_id: scopeId, order_id: numbers.order, invoice_id: null, product_id: numbers.product, variant_id: numbers.policy,
    customer_id: numbers.customer ?? NOBODY, subscription_id: numbers.subscription,
    created_at: license.createdAt, updated_at: license.updatedAt, instances_count: license.machineCount,
  };
}

/** A machine that was not activated here need not have a name; what else tells it from others is its fingerprint. */
export function viewInstance({ machine, licenseNumber }: NumberedMachine): object {
  const { id: machineId, name, fingerprint, scopeId, createdAt, updatedAt } = machine;
  return { id: machineId, license_key_id: licenseNumber, name: name ?? fingerprint, store_id: scopeId, created_at: createdAt, updated_at: updatedAt };
}

const wholeUpTo = (most: number) => z.string().regex(/^\d{1,15}$/, 'must be a whole number').transform(Number).pipe(z.int().min(1).max(most));

export const pageQuery = z.object({ page: wholeUpTo(2_147_483_647).default(1), limit: wholeUpTo(100).default(15) });

export const answersPage = (item: z.ZodType): Answers => ({
  status: 200,
  body: z.strictObject({
    data: z.array(item),
    links: z.strictObject({ first: z.url(), last: z.url(), prev: z.url().nullable(), next: z.url().nullable() }),
    meta: z.strictObject({ current_page: id, from: id.nullable(), last_page: id, path: z.url(), per_page: id, to: id.nullable(), total: id }),
  }),
});

/** A page as Laravel shows it. `path` is where the list is. */
export function viewPage(path: string, { page, limit }: z.output<typeof pageQuery>, { data, total }: { data: object[]; total: number }): object {
  const last = Math.max(1, Math.ceil(total / limit));
  const at = (other: number) => `${path}?page=${other}&limit=${limit}`;
  const from = data.length === 0 ? null : (page - 1) * limit + 1;
  return {
    data,
    links: { first: at(1), last: at(last), prev: page > 1 ? at(page - 1) : null, next: page < last ? at(page + 1) : null },
    meta: { current_page: page, from, last_page: last, path, per_page: limit, to: from === null ? null : from + data.length - 1, total },
  };
}
