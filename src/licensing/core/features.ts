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

/** Which entitlements features ask for, by code, and what remains as flags. What is `true` as a flag already stays one: clients send back what they read. */
export function splitFeatures(features: Features, metadata: Record<string, unknown>): { codes: string[]; flags: Features } {
  const before = flagsIn(metadata);
  const grants = ([name, value]: [string, unknown]) => value === true && before?.[name] !== true && entitlementCode.safeParse(name).success;
  const entries = Object.entries(features);
  return { codes: entries.filter(grants).map(([name]) => name), flags: Object.fromEntries(entries.filter((entry) => !grants(entry))) };
}

/** The features of a license. What is granted is so, whatever a flag of the same name says. */
export function featuresOf({ entitlements, metadata }: { entitlements: string[]; metadata: Record<string, unknown> }): Features {
  return { ...flagsIn(metadata), ...Object.fromEntries(entitlements.map((code) => [code, true])) };
}

/** Metadata with these flags and no others. What is no flags although it has their name is not shown, and stays until there are some. */
export function withFlags(metadata: Record<string, unknown>, flags: Features): Record<string, unknown> {
  if (Object.keys(flags).length > 0) return { ...metadata, [FLAGS]: flags };
  const { [FLAGS]: _before, ...rest } = metadata;
  return flagsIn(metadata) ? rest : metadata;
}

function flagsIn(metadata: Record<string, unknown>): Features | undefined {
  return z.record(z.string(), z.unknown()).safeParse(metadata[FLAGS]).data;
}
