import { z } from 'zod';
import { type PublicKey, type SigningKeys, spkiOf } from '../licensing/signing-keys.ts';
import { answersMany, many, noInput } from './http/answer.ts';
import { type Answer, type Answers, openRoute, type Route } from './http/route.ts';
import { shown } from './v1/view.ts';

/** Readers may keep the list for five minutes; whoever meets an unknown `kid` asks again. */
const headers = { 'Cache-Control': 'public, max-age=300' };

const jwk = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), kid: z.string(), use: z.literal('sig'), alg: z.literal('EdDSA') });

const publicKey = z
  .strictObject({ kid: z.string(), algorithm: z.literal('ed25519'), hex: z.string(), spki: z.string(), createdAt: shown.time, retiredAt: shown.timeOrNull })
  .meta({ id: 'PublicKey' });

/** The keys that offline files and signed answers verify with: as a JWK set (RFC 7517, RFC 8037), and in the forms other readers take. */
export function publicKeyRoutes({ signingKeys }: { signingKeys: SigningKeys }): Route[] {
  const open = (place: { path: string; summary: string; answers: Answers }, answer: (keys: PublicKey[]) => Answer): Route =>
    openRoute({ ...place, method: 'get', limit: 'other', input: noInput }, async () => ({ ...answer(await signingKeys.publicKeys()), headers }));
  const list = (path: string) =>
    open({ path, summary: 'List the keys that files and answers verify with', answers: answersMany(publicKey) }, (rows) => many({ rows, nextCursor: null }, viewKey));
  return [
    open(
      { path: '/.well-known/jwks.json', summary: 'The keys that files and answers verify with, as a JWK set', answers: { status: 200, body: z.strictObject({ keys: z.array(jwk) }) } },
      (keys) => ({ body: { keys: keys.map(viewJwk) } }),
    ),
    list('/public-keys'),
    list('/api/v1/public-keys'),
  ];
}

function viewJwk({ kid, raw }: PublicKey): z.output<typeof jwk> {
  return { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url'), kid, use: 'sig', alg: 'EdDSA' };
}

function viewKey({ kid, raw, createdAt, retiredAt }: PublicKey): object {
  return { kid, algorithm: 'ed25519', hex: raw.toString('hex'), spki: spkiOf(raw), createdAt, retiredAt };
}
