import type { LicenseRow } from '../database/license-rows.ts';

/**
 * Gives a license the vendor's own end. A bought one runs to the later of it and what is paid for; null takes the vendor's
 * date away, so that a license nobody paid for never ends.
 */
export function setVendorExpiry(license: LicenseRow, expiresAt: Date | null): void {
  const { paidThrough } = license;
  license.vendorExpiresAt = expiresAt;
  license.expiresAt = paidThrough !== null && (expiresAt === null || paidThrough > expiresAt) ? paidThrough : expiresAt;
}
