import { z } from 'zod';

/** The code of an entitlement, by which apps ask for it. */
export const entitlementCode = z.string().min(1).max(100).regex(/^[a-z0-9_-]+$/, 'expected a-z, 0-9, _ and - only');
