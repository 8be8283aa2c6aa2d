import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { statuses } from '../../licensing/core/status.ts';
import { verdictCodes } from '../../licensing/core/verdict.ts';
import type { Signer, SigningKeys } from '../../licensing/signing-keys.ts';
import { publicLicense, validateRequest, type Validations, viewAskedMachine } from '../../licensing/validate-key.ts';
import { answersOne } from '../http/answer.ts';
import { type Answer, openRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const validation = z.strictObject({
  valid: z.boolean(),
  code: z.enum(verdictCodes),
  detail: z.string(),
  license: z.strictObject({
    id: shown.id, name: shown.text, status: z.enum(statuses), productId: shown.id, policyId: shown.id, expiresAt: shown.timeOrNull,
    maxMachines: shown.limit, maxUses: shown.limit, usesCount: shown.count, createdAt: shown.time,
  }).nullable(),
  machine: z.strictObject({
    id: shown.id, fingerprint: z.string(), name: shown.text, platform: shown.text, hostname: shown.text, cores: z.int().nullable(),
    status: z.enum(['alive', 'dead']), lastHeartbeatAt: shown.timeOrNull, heartbeatDueAt: shown.timeOrNull, createdAt: shown.time,
  }).nullable(),
  entitlements: z.array(z.string()),
  nonce: z.string().optional(),
}).meta({ id: 'Validation' });

const answers = { ...answersOne(validation), headers: { 'Tillkey-Signature': '`t=<Unix seconds>,kid=<key id>,ed25519=<base64>`, signed over `<t>.<body>`' } };

type Dependencies = { clock: Clock; validations: Pick<Validations, 'validate'>; signingKeys: Pick<SigningKeys, 'currentSigner'> };

/** A bad license is a 200 with a code: 4xx is for malformed requests. */
export function validateKeyRoute({ clock, validations, signingKeys }: Dependencies): Route {
  return openRoute({ method: 'post', path: '/api/v1/licenses/validate-key', limit: 'validate', summary: 'Ask whether a key is good', input: validateRequest, answers }, async (request) => {
    const now = clock.now();
    const { valid, code, detail, license, at } = await validations.validate(request, now);
    return signed(await signingKeys.currentSigner(), now, {
      data: {
        valid, code, detail,
        license: license && publicLicense(license),
        machine: license && viewAskedMachine(license, at),
        entitlements: license?.entitlements ?? [],
        ...(request.nonce !== undefined && { nonce: request.nonce }),
      },
    });
  });
}

/** The answer as the bytes that are sent, signed together with the second it was given: an app can tell it from a forged or an old one. */
function signed({ kid, sign }: Signer, now: Date, body: object): Answer {
  const text = JSON.stringify(body);
  const seconds = Math.floor(now.getTime() / 1000);
  return { text, headers: { 'Tillkey-Signature': `t=${seconds},kid=${kid},ed25519=${sign(`${seconds}.${text}`).toString('base64')}` } };
}
