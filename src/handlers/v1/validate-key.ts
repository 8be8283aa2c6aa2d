import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import type { LicenseKeys } from '../../licensing/license-key.ts';
import { validateKey, validateRequest, type Validation } from '../../licensing/validate-key.ts';
import { openRoute, type Route } from '../http/route.ts';

type Dependencies = { database: Database; keys: LicenseKeys; clock: Clock; slackHours: number };

/** A bad license is a 200 with a code: 4xx is for malformed requests. */
export function validateKeyRoute({ clock, ...licensing }: Dependencies): Route {
  return openRoute({ method: 'post', path: '/api/v1/licenses/validate-key', limit: 'validate', input: validateRequest }, async (request) => {
    const { valid, code, detail, license } = await validateKey(licensing, request, clock.now());
    return {
      status: 200,
      body: {
        data: {
          valid, code, detail,
          license: license && publicLicense(license),
          machine: null,
          entitlements: license?.entitlements ?? [],
          ...(request.nonce !== undefined && { nonce: request.nonce }),
        },
      },
    };
  });
}

/** What whoever holds a key may know: no customer, no metadata. */
function publicLicense(license: NonNullable<Validation['license']>): object {
  const { id, name, status, productId, policyId, expiresAt, maxMachines, createdAt } = license;
  return { id, name, status, productId, policyId, expiresAt, maxMachines, createdAt };
}
