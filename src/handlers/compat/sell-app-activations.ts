import { z } from 'zod';
import type { Scope } from '../../database/scope.ts';
import { ok, type Result } from '../../errors.ts';
import { activateInstance } from '../../licensing/activate-instance.ts';
import { deactivateMachine } from '../../licensing/deactivate-machine.ts';
import { numberedOf, type NumberedLicense } from '../../licensing/numbers.ts';
import { readLicenseByKey } from '../../licensing/read-licenses.ts';
import { readMachine } from '../../licensing/read-machines.ts';
import { answersOne, granted } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import type { InterfaceDependencies } from './other-interface.ts';
import { instance, licenseKey, viewInstance, viewLicenseKey } from './sell-app-shapes.ts';

const path = '/api/v2/licenses';
const text = z.string().min(1).max(255);
const deactivation = z.strictObject({ deactivated: z.literal(true), instance_id: z.uuid() });
const validation = z.strictObject({ valid: z.boolean(), license_key: licenseKey, instance: instance.nullable() });

/** What is asked with a license key, of which the caller's scope alone is searched. */
export function activationRoutes(dependencies: InterfaceDependencies): Route[] {
  const { database } = dependencies;
  return [
    managementRoute({ method: 'post', path: `${path}/activate`, permission: 'machines:write', summary: 'Activate a license key', input: z.object({ license_key: text, instance_name: text }), answers: answersOne(instance) }, async ({ scope, input, now }) => {
      const { id: licenseId, numbers } = granted(await licenseOf(dependencies, scope, input.license_key));
      const { machine } = granted(await activateInstance(dependencies, { scope, licenseId }, { name: input.instance_name }, now));
      return { body: { data: viewInstance({ machine, licenseNumber: numbers.license }) } };
    }),
    validateRoute(dependencies),
    managementRoute({ method: 'post', path: `${path}/deactivate`, permission: 'machines:write', summary: 'Deactivate a license instance', input: z.object({ license_key: text, instance_id: text }), answers: answersOne(deactivation) }, async ({ scope, input, now }) => {
      const { id: own } = granted(await licenseOf(dependencies, scope, input.license_key));
      const { machine: { id } } = granted(await readMachine(database, { scope, id: input.instance_id, own }));
      granted(await deactivateMachine(dependencies, { scope, id, own: null }, now));
      return { body: { data: { deactivated: true, instance_id: id } } };
    }),
  ];
}

/** A key that is known gets 200 whatever is the matter with it. An instance that is none of its own is not valid, and nothing is counted for it. */
function validateRoute(dependencies: InterfaceDependencies): Route {
  const { clock, database, validations } = dependencies;
  const input = z.object({ license_key: text, instance_id: text.nullish() });
  return managementRoute({ method: 'post', path: `${path}/validate`, permission: 'licenses:read', summary: 'Validate a license key', input, answers: answersOne(validation) }, async ({ scope, input: { license_key: key, instance_id: instanceId }, now }) => {
    const license = granted(await licenseOf(dependencies, scope, key));
    const found = instanceId == null ? null : await readMachine(database, { scope, id: instanceId, own: license.id });
    const machine = found?.ok ? found.value.machine : null;
    const asked = machine === null ? { keyAlone: true } : { fingerprint: machine.fingerprint };
    const valid = found?.ok === false ? false : (await validations.validate({ key, scopeId: scope.id, ...asked }, clock.now())).valid;
    return { body: { data: { valid, license_key: viewLicenseKey(dependencies, license, now), instance: machine && viewInstance({ machine, licenseNumber: license.numbers.license }) } } };
  });
}

async function licenseOf(dependencies: InterfaceDependencies, scope: Scope, key: string): Promise<Result<NumberedLicense>> {
  const license = await readLicenseByKey(dependencies, scope, key);
  return license.ok ? ok(await numberedOf(dependencies.database, license.value)) : license;
}
