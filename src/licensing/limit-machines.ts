import { asOneTransaction } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { overrideFor } from './core/seat.ts';
import type { Licensing } from './licensing.ts';
import { readLicense } from './read-licenses.ts';
import type { LicenseDetails } from './store.ts';
import { trimMachines } from './trim-machines.ts';
import { updateLicense } from './update-license.ts';

/**
 * Gives a license this limit of machines (null: none) and takes off those that are too many then, those activated earliest first. A limit that it has
 * already is left as it came about, and so are its machines.
 */
export async function limitMachines(licensing: Licensing, { scope, id }: { scope: Scope; id: string }, { limit }: { limit: number | null }, now: Date): Promise<Result<LicenseDetails>> {
  return asOneTransaction(licensing.database, async () => {
    const read = () => readLicense(licensing.database, { scope, id, own: null });
    const license = await read();
    if (!license.ok || license.value.maxMachines === limit) return license;
    const { seats, policy } = license.value;
    const changed = await updateLicense(licensing, { scope, id }, { maxMachinesOverride: overrideFor(limit, seats ?? policy.maxMachines) }, now);
    if (!changed.ok) return changed;
    const trimmed = await trimMachines(licensing, { scope, id }, now);
    return trimmed.ok ? read() : trimmed;
  });
}
