import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { deactivateMachine } from '../../licensing/deactivate-machine.ts';
import { readLicenseByKey } from '../../licensing/read-licenses.ts';
import { listMachines } from '../../licensing/read-machines.ts';
import { answersNothing, done } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { streamList } from '../http/stream-list.ts';
import type { InterfaceDependencies } from './other-interface.ts';
import { answers, ofLicense, viewActivation } from './rustbill-answers.ts';

const path = '/api/licenses/:key/activations';
const MOST_READ = 100;

/** The devices of a license: its machines, named by their fingerprint. */
export function activationRoutes(dependencies: InterfaceDependencies): Route[] {
  const { database } = dependencies;
  return [
    managementRoute({ method: 'get', path, permission: 'machines:read', summary: 'List the devices of a license', input: z.unknown(), answers: { status: 200, body: z.array(answers.activation) } }, async ({ scope, params, now }) => {
      const { id: licenseId } = ofLicense(await readLicenseByKey(dependencies, scope, params['key'] ?? ''));
      return streamList((cursor) => listMachines(database, scope, { licenseId }, { limit: MOST_READ, cursor }), viewActivation(now));
    }),
    managementRoute({ method: 'delete', path: `${path}/:deviceId`, permission: 'machines:write', summary: 'Take a device off a license', input: z.unknown(), answers: answersNothing }, async ({ scope, params, now }) => {
      const { id: licenseId } = ofLicense(await readLicenseByKey(dependencies, scope, params['key'] ?? ''));
      const [shown] = (await listMachines(database, scope, { licenseId, fingerprint: params['deviceId'] }, { limit: 1 }))?.rows ?? [];
      if (!shown) throw new AppError('ACTIVATION_NOT_FOUND', 404, 'The license has no activation of this device.');
      return done(await deactivateMachine(dependencies, { scope, id: shown.machine.id, own: null }, now));
    }),
  ];
}
