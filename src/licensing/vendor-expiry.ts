import type { LicenseRow } from '../database/license-rows.ts';

/**
 * A license's end once the vendor has given it one of their own. A bought one runs to the later of it and what is paid for; null
 * takes the vendor's date away, so that a license nobody paid for never ends.
 */
export function vendorExpiry({ paidThrough }: LicenseRow, vendorExpiresAt: Date | null): Pick<LicenseRow, 'vendorExpiresAt' | 'expiresAt'> {
  const paidLonger = paidThrough !== null && (vendorExpiresAt === null || paidThrough > vendorExpiresAt);
  return { vendorExpiresAt, expiresAt: paidLonger ? paidThrough : vendorExpiresAt };
}
