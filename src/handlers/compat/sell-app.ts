import { z } from 'zod';
import type { AppError } from '../../errors.ts';
import type { OtherInterface } from './other-interface.ts';
import { activationRoutes } from './sell-app-activations.ts';
import { licenseKeyRoutes, type SellAppDependencies } from './sell-app-license-keys.ts';

/** sell.app's license API: an activation is an instance of a license key, and everything has a whole number. */
export function sellApp(dependencies: SellAppDependencies): OtherInterface {
  return { at: '/api/v2', takes: ['application/json'], routes: [...activationRoutes(dependencies), ...licenseKeyRoutes(dependencies)], showFailure };
}

/** Refusals that are about a field of the request there; 403 is for what the API key may not do. */
const fieldRefused = new Map([
  ['BANNED', 'license_key'], ['REVOKED', 'license_key'], ['SUSPENDED', 'license_key'], ['EXPIRED', 'license_key'],
  ['MACHINE_LIMIT_EXCEEDED', 'license_key'], ['OVERRIDES_NOT_ALLOWED', 'limit'],
]);

const faults = z.object({ issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })) });

/** As Laravel shows a failure. */
function showFailure({ status, code, publicMessage: message, details }: AppError): ReturnType<OtherInterface['showFailure']> {
  const field = fieldRefused.get(code);
  if (field !== undefined) return { status: 422, body: { message, errors: { [field]: [message] } } };
  const { data } = faults.safeParse(details);
  if (!data) return { status, body: { message } };
  const byField = Map.groupBy(data.issues, ({ path }) => path.join('.') || 'body');
  return { status: 422, body: { message, errors: Object.fromEntries([...byField].map(([name, issues]) => [name, issues.map((issue) => issue.message)])) } };
}
