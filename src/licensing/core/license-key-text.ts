import { z } from 'zod';

/** A key that the vendor brings along, taken as it is. */
export const broughtKey = z.string().regex(/^[\x21-\x7e]{8,255}$/, 'expected 8 to 255 visible ASCII characters');
