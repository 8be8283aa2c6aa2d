import { z } from 'zod';

/** A moment in a request. Neither PostgreSQL nor Stripe knows a year 0, and a year of five digits breaks readers. */
export const moment = z.iso
  .datetime({ offset: true, error: ({ input }) => (input === undefined ? undefined : 'Expected a moment with its time zone, such as 2026-01-31T12:00:00Z.') })
  .transform((iso) => new Date(iso))
  .refine((date) => date.getUTCFullYear() > 0 && date.getUTCFullYear() < 10_000, 'expected a moment from the year 1 to the year 9999');
