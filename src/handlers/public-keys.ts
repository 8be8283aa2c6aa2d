import type { PublicKey, SigningKeys } from '../licensing/signing-keys.ts';
import { noInput } from './http/answer.ts';
import { openRoute, type Route } from './http/route.ts';

/** Readers may keep the list for five minutes; whoever meets an unknown `kid` asks again. */
const headers = { 'Cache-Control': 'public, max-age=300' };

/** The keys that offline files and signed answers verify with: as a JWK set (RFC 7517, RFC 8037), and in the forms other readers take. */
export function publicKeyRoutes({ signingKeys }: { signingKeys: SigningKeys }): Route[] {
  const open = (path: string, answer: (keys: PublicKey[]) => object): Route =>
    openRoute({ method: 'get', path, limit: 'other', input: noInput }, async () => ({ status: 200, headers, body: answer(await signingKeys.publicKeys()) }));
  const list = (keys: PublicKey[]) => ({ data: keys.map(viewKey), pagination: { nextCursor: null, hasMore: false } });
  return [
    open('/.well-known/jwks.json', (keys) => ({ keys: keys.map(viewJwk) })),
    open('/public-keys', list),
    open('/api/v1/public-keys', list),
  ];
}

function viewJwk({ kid, raw }: PublicKey): object {
  return { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url'), kid, use: 'sig', alg: 'EdDSA' };
}

/** The DER bytes before a raw Ed25519 key in its SPKI form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function viewKey({ kid, raw, createdAt, retiredAt }: PublicKey): object {
  const spki = Buffer.concat([SPKI_PREFIX, raw]).toString('base64');
  return { kid, algorithm: 'ed25519', hex: raw.toString('hex'), spki, createdAt, retiredAt };
}
