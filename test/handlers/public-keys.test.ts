import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '../support/service.ts';

let tillkey: TestService;
beforeAll(async () => {
  tillkey = await startTestService({ role: 'web', environment: { RATE_LIMIT_OTHER: '1000' } });
});
afterAll(() => tillkey.stop());

const get = (path: string) => tillkey.call('GET', path, { key: null });

describe('the public keys', () => {
  test('are a JWK set that anybody may read and keep for a while', async () => {
    const { status, body, headers } = await get('/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(body).toEqual({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/), kid: expect.stringMatching(/^[0-9a-f]{16}$/), use: 'sig', alg: 'EdDSA' }] });
    expect(headers['cache-control']).toBe('public, max-age=300');
    expect(headers['x-ratelimit-limit']).toBe('1000');
  });

  test('verify what the service signs, in each form they come in', async () => {
    const [jwk] = (await get('/.well-known/jwks.json')).body.keys;
    const [key] = (await get('/public-keys')).body.data;
    const { kid, sign } = await tillkey.service.dependencies.signingKeys.currentSigner();
    expect([jwk.kid, key.kid]).toEqual([kid, kid]);
    expect(Buffer.from(key.spki, 'base64').subarray(-32).toString('hex')).toBe(key.hex);
    for (const publicKey of [createPublicKey({ key: jwk, format: 'jwk' }), createPublicKey({ key: Buffer.from(key.spki, 'base64'), format: 'der', type: 'spki' })]) {
      expect(verify(null, Buffer.from('text'), publicKey, sign('text'))).toBe(true);
    }
  });

  test('are listed under the base of the API too', async () => {
    expect((await get('/api/v1/public-keys')).body).toEqual((await get('/public-keys')).body);
  });

  test('come with the retired ones after a rotation, the current one first', async () => {
    const [old] = (await get('/public-keys')).body.data;
    const { kid } = await tillkey.service.dependencies.signingKeys.rotate(tillkey.clock.now());
    const { data, pagination } = (await get('/public-keys')).body;
    expect(data).toEqual([
      { kid, algorithm: 'ed25519', hex: expect.any(String), spki: expect.any(String), createdAt: expect.any(String), retiredAt: null },
      { ...old, retiredAt: tillkey.clock.now().toISOString() },
    ]);
    expect(pagination).toEqual({ nextCursor: null, hasMore: false });
    expect((await get('/.well-known/jwks.json')).body.keys.map((jwk: { kid: string }) => jwk.kid)).toEqual([kid, old.kid]);
  });
});
