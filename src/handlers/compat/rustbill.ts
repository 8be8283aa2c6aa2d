import type { InterfaceDependencies, OtherInterface } from './other-interface.ts';
import { activationRoutes } from './rustbill-activations.ts';
import { showFailure } from './rustbill-answers.ts';
import { licenseRoutes } from './rustbill-licenses.ts';
import { validationRoutes } from './rustbill-validation.ts';

/** RustBill's licenses API: licenses are named by their keys, machines are devices, entitlements and flags are features. */
export function rustbill(dependencies: InterfaceDependencies): OtherInterface {
  return {
    at: '/api/licenses',
    takes: ['application/json'],
    routes: [...validationRoutes(dependencies), ...licenseRoutes(dependencies), ...activationRoutes(dependencies)],
    showFailure,
  };
}
