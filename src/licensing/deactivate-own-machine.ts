import { Customer, License, Machine } from '../database/license-rows.ts';
import { reading } from '../database/orm.ts';
import { liveRow, type Scope } from '../database/scope.ts';
import { notFound, type Result } from '../errors.ts';
import { deactivateMachine } from './deactivate-machine.ts';
import type { Licensing } from './licensing.ts';

/** Takes a machine off whichever license of the customer it is on, as the app that has that license's key could. */
export async function deactivateOwnMachine(licensing: Licensing, { scope, customerId, id }: { scope: Scope; customerId: string; id: string }, now: Date): Promise<Result<null>> {
  const tx = reading(licensing.database);
  const machine = await tx.findOne(Machine, liveRow(scope, id));
  const license = machine && (await tx.findOne(License, { ...liveRow(scope, machine.licenseId), customerId }));
  if (license === null || (await tx.findOne(Customer, liveRow(scope, customerId))) === null) return notFound();
  return deactivateMachine(licensing, { scope, id, own: license.id }, now);
}
