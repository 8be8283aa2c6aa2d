import { z } from 'zod';
import { type CheckedOut, checkOutLicense, checkOutRequest } from '../../licensing/check-out-license.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { SigningKeys } from '../../licensing/signing-keys.ts';
import { answersOne, one } from '../http/answer.ts';
import { licensedRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const offlineFile = z
  .strictObject({
    certificate: z.string(), algorithm: z.enum(['base64+ed25519', 'aes-256-gcm+ed25519']), fingerprint: shown.text,
    issuedAt: shown.time, expiresAt: shown.time, ttl: z.int().positive(),
  })
  .meta({ id: 'OfflineFile' });

type Dependencies = Licensing & { signingKeys: SigningKeys };

/** A file is signed anew at each call: none is kept. */
export function checkOutRoute(dependencies: Dependencies): Route {
  return licensedRoute(
    {
      method: 'post', path: '/api/v1/licenses/:id/checkout', permission: 'licenses:write', limit: 'other', summary: 'Check out an offline file',
      input: checkOutRequest, answers: answersOne(offlineFile),
      refuses: ['BANNED', 'REVOKED', 'SUSPENDED', 'EXPIRED', 'OFFLINE_NOT_ALLOWED', 'FINGERPRINT_REQUIRED', 'FINGERPRINT_NOT_FOUND', 'HEARTBEAT_REQUIRED', 'TTL_OUT_OF_RANGE'],
    },
    async ({ scope, id, own, input, now }) => one(await checkOutLicense(dependencies, { scope, id, own }, input, now), (file: CheckedOut) => file),
  );
}
