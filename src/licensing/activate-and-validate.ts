import { notFound, ok, type RefusalCode, type Result } from '../errors.ts';
import type { Scope } from '../database/scope.ts';
import { activateMachine } from './activate-machine.ts';
import { details, type Verdict, type VerdictCode } from './core/verdict.ts';
import { deactivateMachine } from './deactivate-machine.ts';
import type { Licensing } from './licensing.ts';
import { type LicenseDetails, readLicense } from './read-licenses.ts';
import type { Validations } from './validate-key.ts';

type Dependencies = Licensing & { validations: Pick<Validations, 'validate'> };

/** What whoever asks is told, and the license as it is then. The code is that of what failed first: the activation, or the validation. */
export type Registered = { valid: boolean; code: VerdictCode | RefusalCode; message: string; license: LicenseDetails };

/**
 * Activates the machine, if it is not, and validates the key for it: for apps that do both in one question, at each of their starts. A machine that was
 * activated for nothing, since the validation is refused, is taken off again: no slot is lost to a no.
 */
export async function activateAndValidate(
  dependencies: Dependencies,
  { scope, licenseId }: { scope: Scope; licenseId: string },
  asked: { key: string; fingerprint: string; name?: string | undefined },
  now: Date,
): Promise<Result<Registered>> {
  const { key, fingerprint } = asked;
  const found = await readLicense(dependencies.database, { scope, id: licenseId, own: null });
  if (!found.ok) return found;
  // Floating, it would take the slot of one that is let in.
  if (!hasUsesLeft(found.value)) return answer(dependencies, { scope, verdict: await dependencies.validations.validate({ key, keyAlone: true }, now), licenseId });
  const activation = await activateMachine(dependencies, { scope, licenseId }, { fingerprint, name: asked.name }, now);
  if (!activation.ok) {
    if (isAlsoInvalid(activation.refused, found.value)) await dependencies.validations.validate({ key, fingerprint }, now);
    return answer(dependencies, { scope, verdict: { valid: false, code: activation.refused, detail: activation.message }, licenseId });
  }
  const verdict = await dependencies.validations.validate({ key, fingerprint }, now);
  if (!verdict.valid && activation.value.fresh) await deactivateMachine(dependencies, { scope, id: activation.value.machine.id, own: null }, now);
  return answer(dependencies, { scope, verdict, licenseId });
}

function hasUsesLeft({ maxUses, usesCount }: LicenseDetails): boolean {
  return maxUses === null || usesCount < maxUses;
}

/** Whether a validation would be refused as well: then it is one, counted and told as such. Any other would take a use. */
function isAlsoInvalid(refused: RefusalCode, { policy }: LicenseDetails): boolean {
  return policy.requireFingerprint || (refused !== 'MACHINE_LIMIT_EXCEEDED' && refused in details);
}

type Told = { scope: Scope; licenseId: string; verdict: Omit<Verdict, 'code'> & { code: VerdictCode | RefusalCode } };

async function answer({ database }: Licensing, { scope, licenseId, verdict: { valid, code, detail: message } }: Told): Promise<Result<Registered>> {
  if (code === 'NOT_FOUND') return notFound();
  const license = await readLicense(database, { scope, id: licenseId, own: null });
  return license.ok ? ok({ valid, code, message, license: license.value }) : license;
}
