import { asOneTransaction } from '../../database/orm.ts';
import { activateInstance } from '../../licensing/activate-instance.ts';
import { deactivateMachine } from '../../licensing/deactivate-machine.ts';
import { readMachine } from '../../licensing/read-machines.ts';
import { licenseOfKey } from '../http/authenticate.ts';
import { openRoute, type Route } from '../http/route.ts';
import { answer, answersOf, type Asked, type Outcome, refused, viewInstance } from './lemon-squeezy-answers.ts';
import { notFoundError, showFailure } from './lemon-squeezy-failures.ts';
import { activateRequest, deactivateRequest, validateRequest } from './lemon-squeezy-requests.ts';
import type { InterfaceDependencies, OtherInterface } from './other-interface.ts';

/** Lemon Squeezy's License API: what an app calls that was written for it. An instance is a machine whose fingerprint is minted here. */
export function lemonSqueezy(dependencies: InterfaceDependencies): OtherInterface {
  return {
    at: '/v1',
    takes: ['application/x-www-form-urlencoded', 'application/json', 'application/vnd.api+json'],
    routes: [activateRoute(dependencies), validateRoute(dependencies), deactivateRoute(dependencies)],
    showFailure,
  };
}

const post = { method: 'post', mayStandInQuery: true } as const;

/** What activates or deactivates is one transaction with its answer: an instance that its app is not told of would hold a slot for good. */
function activateRoute(dependencies: InterfaceDependencies): Route {
  const place = { ...post, path: '/v1/licenses/activate', limit: 'activate', summary: 'Activate a license key: a new instance', input: activateRequest, answers: answersOf('activated') } as const;
  return openRoute(place, async ({ license_key, instance_name }) => {
    const asked = await askedLicense(dependencies, license_key);
    return asOneTransaction(dependencies.database, async () => {
      const activation = await activateInstance(dependencies, asked, { name: instance_name }, asked.now);
      const outcome = activation.ok ? { error: null, instance: viewInstance(activation.value.machine) } : refused(activation.refused, activation.message);
      return answer(dependencies, 'activated', asked, { instance: null, ...outcome });
    });
  });
}

function validateRoute(dependencies: InterfaceDependencies): Route {
  const place = { ...post, path: '/v1/licenses/validate', limit: 'validate', summary: 'Ask whether a license key is good, or an instance', input: validateRequest, answers: answersOf('valid') } as const;
  return openRoute(place, async ({ license_key: key, instance_id: instanceId }) => {
    const asked = await askedLicense(dependencies, key);
    const outcome = instanceId === null ? await validateKey(dependencies, key) : await validateInstance(dependencies, asked, { key, instanceId });
    return answer(dependencies, 'valid', asked, { instance: null, ...outcome });
  });
}

async function validateKey({ validations, clock }: InterfaceDependencies, key: string): Promise<Outcome> {
  const { valid, code, detail } = await validations.validate({ key, keyAlone: true }, clock.now());
  return valid ? { error: null } : refused(code, detail);
}

async function validateInstance(
  { database, validations, clock }: InterfaceDependencies,
  { scope, licenseId }: Asked,
  { key, instanceId }: { key: string; instanceId: string },
): Promise<Outcome> {
  const found = await readMachine(database, { scope, id: instanceId, own: licenseId });
  if (!found.ok) throw notFoundError('instance_id');
  const { machine } = found.value;
  const { valid, code, detail, license } = await validations.validate({ key, fingerprint: machine.fingerprint }, clock.now());
  // Somebody may have deactivated it meanwhile.
  if (license?.machine?.id !== machine.id) throw notFoundError('instance_id');
  return { ...(valid ? { error: null } : refused(code, detail)), instance: viewInstance(machine) };
}

function deactivateRoute(dependencies: InterfaceDependencies): Route {
  const place = { ...post, path: '/v1/licenses/deactivate', limit: 'other', summary: 'Deactivate an instance', input: deactivateRequest, answers: answersOf('deactivated') } as const;
  return openRoute(place, async ({ license_key, instance_id }) => {
    const asked = await askedLicense(dependencies, license_key);
    return asOneTransaction(dependencies.database, async () => {
      const deactivation = await deactivateMachine(dependencies, { scope: asked.scope, id: instance_id, own: asked.licenseId }, asked.now);
      if (!deactivation.ok && deactivation.refused === 'NOT_FOUND') throw notFoundError('instance_id');
      return answer(dependencies, 'deactivated', asked, deactivation.ok ? { error: null } : refused(deactivation.refused, deactivation.message));
    });
  });
}

/** The license that the key opens, and the time that its scope goes by. */
async function askedLicense({ directory, timeOf }: InterfaceDependencies, key: string): Promise<Asked> {
  const own = await licenseOfKey(directory, key);
  if (!own) throw notFoundError('license_key');
  return { ...own, now: await timeOf(own.scope) };
}
