import { randomUUID } from 'node:crypto';
import type { Scope } from '../database/scope.ts';
import type { Result } from '../errors.ts';
import { activateMachine, type Activation } from './activate-machine.ts';
import type { Licensing } from './licensing.ts';

/** Activates a machine for an app that knows no fingerprints, but the id it is told: one is minted, so that each activation is a machine of its own. */
export async function activateInstance(licensing: Licensing, license: { scope: Scope; licenseId: string }, { name }: { name: string }, now: Date): Promise<Result<Activation>> {
  return activateMachine(licensing, license, { fingerprint: randomUUID(), name, minted: true }, now);
}
