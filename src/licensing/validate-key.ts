import { z } from 'zod';
import type { Database } from '../database/orm.ts';
import { effectiveStatus, type Status } from './core/status.ts';
import { type Examined, judge, type Verdict } from './core/verdict.ts';
import type { LicenseKeys } from './license-key.ts';
import { type AskedLicense, findAskedLicense } from './store.ts';

export const validateRequest = z.strictObject({
  key: z.string().min(1).max(255),
  fingerprint: z.string().min(8).max(256).optional(),
  entitlements: z.array(z.string().min(1).max(100)).max(100).optional(),
  product: z.string().min(1).max(255).optional(),
  nonce: z.string().min(1).max(255).optional(),
});

export type ValidateRequest = z.output<typeof validateRequest>;

/** The verdict, and the license it is about where the asker may know of it. */
export type Validation = Verdict & { license: (AskedLicense & { status: Status }) | null };

/** Judges a key: one indexed statement, then the pure guards. A key with a typing slip never reaches the database. */
export async function validateKey(
  { database, keys, slackHours }: { database: Database; keys: LicenseKeys; slackHours: number },
  request: ValidateRequest,
  now: Date,
): Promise<Validation> {
  const hash = keys.lookupHash(request.key);
  const asked = hash === null ? null : await findAskedLicense(database, hash);
  if (asked === null) return { ...judge(null, request), license: null };
  const license = { ...asked, status: effectiveStatus(asked, slackHours, now) };
  const verdict = judge(examinedOf(license), request);
  return { ...verdict, license: verdict.code === 'PRODUCT_MISMATCH' ? null : license };
}

function examinedOf(license: AskedLicense & { status: Status }): Examined {
  const { status, productId, productCode, expirationStrategy, requireFingerprint, entitlements } = license;
  return { status, product: { id: productId, code: productCode }, policy: { expirationStrategy, requireFingerprint }, entitlements };
}
