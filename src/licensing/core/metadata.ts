import { z } from 'zod';

/** Free-form JSON of an integrator's, up to `bytes` as text: it is read with its row, and told with its events. */
export function metadataUpTo(bytes: number) {
  return z.record(z.string(), z.unknown()).refine((value) => JSON.stringify(value).length <= bytes, `expected at most ${bytes} characters of JSON`);
}

export const metadata = metadataUpTo(65_536);
