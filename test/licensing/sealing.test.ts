import { describe, expect, test } from '@jest/globals';
import { createSealing } from '../../src/database/sealing.ts';
import { createLicenseKeys } from '../../src/licensing/license-key.ts';

const SECRET = 'a secret for tests, long enough to pass';
const sealing = createSealing(SECRET, 'a purpose');

describe('what is sealed', () => {
  test('is opened under the same secret for the same purpose alone', () => {
    const sealed = sealing.seal('text, é');
    expect(sealing.open(sealed)).toBe('text, é');
    expect(() => createSealing(SECRET, 'another purpose').open(sealed)).toThrow();
    expect(() => createSealing(`${SECRET}!`, 'a purpose').open(sealed)).toThrow();
  });

  test('is refused after any change of a byte', () => {
    const sealed = sealing.seal('text');
    for (let place = 0; place < sealed.length; place += 1) {
      const changed = Buffer.from(sealed);
      changed[place]! ^= 1;
      expect(() => sealing.open(changed)).toThrow();
    }
    expect(() => sealing.open(sealed.subarray(1))).toThrow();
    expect(() => sealing.open(Buffer.alloc(0))).toThrow();
  });

  test('is never twice the same', () => {
    expect(sealing.seal('text')).not.toEqual(sealing.seal('text'));
  });
});

test('a license key that version 0.1.0 stored is still read', () => {
  const stored = Buffer.from('8e6244b44ddbf023680a4cf185832328f5b391cd905d7420625c61f43092b5c6aacacffdd05e95e801fc7b74fe129d8eb72ffb72', 'hex');
  expect(createLicenseKeys(SECRET).decrypt(stored)).toBe('ACME-0000-1111-2222-3333');
});
