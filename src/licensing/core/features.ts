import { z } from 'zod';
import { entitlementCode } from './entitlement-code.ts';

/**
 * What a license lets its holder do, by name, as interfaces show it that know no entitlements: an entitlement is `true` under its code, any other
 * value is a flag, kept as it is beside the rest of the license's metadata.
 */
export type Features = Record<string, unknown>;

/** Where flags are kept: the name that feature flags have by convention in metadata. */
const FLAGS = 'featureFlags';

const MOST = 500;

export const featuresRequest = z.record(z.string(), z.unknown()).refine((features) => Object.keys(features).length <= MOST, `expected at most ${MOST} features`);

/** Which entitlements features ask for, by code, and what remains as flags. */
export function splitFeatures(features: Features): { codes: string[]; flags: Features } {
  const grants = ([name, value]: [string, unknown]) => value === true && entitlementCode.safeParse(name).success;
  const entries = Object.entries(features);
  return { codes: entries.filter(grants).map(([name]) => name), flags: Object.fromEntries(entries.filter((entry) => !grants(entry))) };
}

/** The features of a license. What is granted is so, whatever a flag of the same name says. */
export function featuresOf({ entitlements, metadata }: { entitlements: string[]; metadata: Record<string, unknown> }): Features {
  const { data: flags } = z.record(z.string(), z.unknown()).safeParse(metadata[FLAGS]);
  return { ...flags, ...Object.fromEntries(entitlements.map((code) => [code, true])) };
}

/** Metadata with these flags and no others. */
export function withFlags(metadata: Record<string, unknown>, flags: Features): Record<string, unknown> {
  const { [FLAGS]: _before, ...rest } = metadata;
  return Object.keys(flags).length === 0 ? rest : { ...rest, [FLAGS]: flags };
}
