import { describe, expect, test } from '@jest/globals';
import { createLicenseKeys } from '../../src/licensing/license-key.ts';

const keys = createLicenseKeys('a secret for tests, long enough to pass');
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The text with its n-th character replaced. */
const replaceAt = (text: string, n: number, symbol: string) => text.slice(0, n) + symbol + text.slice(n + 1);

describe('a license key', () => {
  test('looks like PREFIX-XXXX-XXXX-XXXX-XXXX, without the symbols people confuse', () => {
    expect(keys.mint('ACME')).toMatch(/^ACME(-[0-9A-HJKMNP-TV-Z]{4}){4}$/);
  });

  test('draws its symbols uniformly: a million of them pass the chi-square test', () => {
    const counts = new Map([...ALPHABET].map((symbol) => [symbol, 0]));
    const drawn = 1_000_005;
    for (let n = 0; n < drawn; n += 15) {
      // Without the check symbol, which the others decide.
      for (const symbol of keys.mint('ACME').slice(5, -1).replaceAll('-', '')) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
    const expected = drawn / ALPHABET.length;
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(32);
    // 31 degrees of freedom: chance goes beyond 100 once in some 10^9 runs.
    expect(chiSquare).toBeLessThan(100);
  });

  test('is found however it is typed', () => {
    const key = keys.mint('PROLOG');
    const body = key.slice(7);
    const spellings = [key.toLowerCase(), key.replaceAll('-', ''), key.replaceAll('-', ' '), ` ${key} `, `PROLOG-${body.replaceAll('0', 'O').replaceAll('1', 'l')}`, `PR0L0G-${body}`];
    for (const typed of spellings) expect(keys.read(typed)).toEqual(keys.read(key));
  });

  test('with any one symbol wrong is known to be a slip', () => {
    const key = keys.mint('ACME');
    for (let place = 5; place < key.length; place += 1) {
      if (key[place] === '-') continue;
      for (const symbol of ALPHABET) {
        if (symbol !== key[place]) expect(keys.read(replaceAt(key, place, symbol)).slip).toBe(true);
      }
    }
  });

  test('with any two symbols swapped is known to be a slip', () => {
    const body = keys.mint('ACME').slice(5).replaceAll('-', '');
    for (let a = 0; a < body.length; a += 1) {
      for (let b = a + 1; b < body.length; b += 1) {
        if (body[a] === body[b]) continue;
        const swapped = replaceAt(replaceAt(body, a, body[b] ?? ''), b, body[a] ?? '');
        expect(keys.read(`ACME${swapped}`).slip).toBe(true);
      }
    }
  });

  test('of another shape is an imported one, looked up as it is', () => {
    expect(keys.read('38b1460a-5104-4067-a91d-77b872934d51')).toMatchObject({ slip: false });
    expect(keys.read('Case-Matters')).not.toEqual(keys.read('case-matters'));
  });

  test('is read back from its encrypted form, which is never twice the same', () => {
    const key = keys.mint('ACME');
    expect(keys.decrypt(keys.encrypt(key))).toBe(key);
    expect(keys.encrypt(key)).not.toEqual(keys.encrypt(key));
    expect(keys.encrypt(key).includes(key)).toBe(false);
  });

  test('means nothing under another secret', () => {
    const other = createLicenseKeys('another secret, just as long as the first');
    const key = keys.mint('ACME');
    expect(other.read(key)).not.toEqual(keys.read(key));
    expect(() => other.decrypt(keys.encrypt(key))).toThrow();
  });
});
