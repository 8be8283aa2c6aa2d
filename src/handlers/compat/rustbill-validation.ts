import { z } from 'zod';
import { activateAndValidate, type Registered } from '../../licensing/activate-and-validate.ts';
import { readLicense } from '../../licensing/read-licenses.ts';
import { licenseOfKey } from '../http/authenticate.ts';
import { type Answer, openRoute, type Route } from '../http/route.ts';
import type { InterfaceDependencies } from './other-interface.ts';
import { answers, statusAt, viewActivationsOf, viewVerified } from './rustbill-answers.ts';

/** What apps ask, with no more than a key. */

const key = z.string().min(1).max(255);
const keyed = z.object({ licenseKey: key.nullish(), key: key.nullish() });

/** Under either of its two names. */
const hasKey = ({ licenseKey, key: other }: z.output<typeof keyed>) => licenseKey != null || other != null;
const required = { path: ['licenseKey'], message: 'Required: expected string.' };

const verifyInput = keyed.refine(hasKey, required);
const validateInput = keyed.extend({ deviceId: z.string().min(1).max(256), deviceName: z.string().max(255).nullish() }).refine(hasKey, required);

const unknownKey: Answer = { status: 404, body: { valid: false, error: 'license_not_found', message: 'No license has this key.' } };

export function validationRoutes(dependencies: InterfaceDependencies): Route[] {
  const { clock, database, directory, validations } = dependencies;
  return [
    openRoute({ method: 'post', path: '/api/licenses/verify', limit: 'validate', summary: 'Ask whether a key is good', input: verifyInput, answers: { status: 200, body: answers.verified, also: { status: 404, when: 'No license has the key.' } } }, async ({ licenseKey, key: other }) => {
      const { valid, license, at } = await validations.validate({ key: licenseKey ?? other ?? '', keyAlone: true }, clock.now());
      const details = license && (await readLicense(database, { scope: { id: license.scopeId }, id: license.id, own: null }));
      return details?.ok ? { body: { valid, ...viewVerified(details.value, dependencies, at) } } : unknownKey;
    }),
    openRoute({ method: 'post', path: '/api/licenses/validate', limit: 'validate', summary: 'Ask whether a key is good, and activate the device that asks', input: validateInput, answers: { status: 200, body: answers.validated } }, async ({ licenseKey, key: other, deviceId, deviceName }) => {
      const asked = { key: licenseKey ?? other ?? '', fingerprint: deviceId, name: deviceName || undefined };
      const own = await licenseOfKey(directory, asked.key);
      if (own === null) {
        await validations.validate({ key: asked.key }, clock.now());
        return unknownKey;
      }
      const now = await dependencies.timeOf(own.scope);
      const registered = await activateAndValidate(dependencies, own, asked, now);
      return registered.ok ? answerOf(registered.value, dependencies, now) : unknownKey;
    }),
  ];
}

/** Its words for what refuses a device. What is banned reads revoked everywhere here. */
const refusals: Record<string, { error: string; message?: string }> = {
  BANNED: { error: 'license_revoked', message: 'The license was revoked.' },
  REVOKED: { error: 'license_revoked' },
  SUSPENDED: { error: 'license_suspended' },
  EXPIRED: { error: 'license_expired' },
  FINGERPRINT_TAKEN: { error: 'device_taken', message: 'Another license has an activation of this device.' },
  FINGERPRINT_NOT_FOUND: { error: 'device_not_activated', message: 'The device was taken off the license.' },
  HEARTBEAT_REQUIRED: { error: 'heartbeat_required' },
  USES_EXCEEDED: { error: 'usage_limit_reached' },
};

function answerOf({ valid, code, message, license }: Registered, dependencies: InterfaceDependencies, now: Date): Answer {
  const activations = viewActivationsOf(license);
  if (valid) return { body: { valid, ...viewVerified(license, dependencies, now), ...activations } };
  if (code === 'MACHINE_LIMIT_EXCEEDED') return { status: 400, body: { valid, error: 'activation_limit_reached', message: 'The license is activated on as many devices as it allows.', ...activations } };
  const refused = refusals[code] ?? { error: code.toLowerCase() };
  return { status: 403, body: { valid, error: refused.error, message: refused.message ?? message, status: statusAt(license, dependencies, now) } };
}
