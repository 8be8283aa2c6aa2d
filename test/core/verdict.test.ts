import { describe, expect, test } from '@jest/globals';
import { type Examined, judge, type Question, type VerdictCode } from '../../src/licensing/core/verdict.ts';

type Case = { license?: Partial<Examined>; question?: Question };

const sound: Examined = {
  status: 'active',
  product: { id: '01a1fc5f-156a-700f-9e5a-c932c4081e34', code: 'ACME' },
  policy: { expirationStrategy: 'RESTRICT_ACCESS', requireFingerprint: false },
  machine: null,
  slotFree: true,
  entitlements: ['export'],
  usesLeft: true,
};
const strict = { expirationStrategy: 'RESTRICT_ACCESS', requireFingerprint: true } as const;

/** Each fault alone, in the order the contract puts the guards. */
const faults: [VerdictCode, Case][] = [
  ['PRODUCT_MISMATCH', { question: { product: 'OTHER' } }],
  ['BANNED', { license: { status: 'banned' } }],
  ['REVOKED', { license: { status: 'revoked' } }],
  ['SUSPENDED', { license: { status: 'suspended' } }],
  ['EXPIRED', { license: { status: 'expired' } }],
  ['FINGERPRINT_REQUIRED', { license: { policy: strict } }],
  ['FINGERPRINT_NOT_FOUND', { license: { policy: strict, machine: null, slotFree: true }, question: { fingerprint: 'unknown-machine' } }],
  ['MACHINE_LIMIT_EXCEEDED', { license: { policy: strict, machine: null, slotFree: false }, question: { fingerprint: 'unknown-machine' } }],
  ['HEARTBEAT_REQUIRED', { license: { machine: { dead: true } }, question: { fingerprint: 'a-dead-machine' } }],
  ['ENTITLEMENTS_MISSING', { question: { entitlements: ['export', 'sso'] } }],
  ['USES_EXCEEDED', { license: { usesLeft: false } }],
];

/** What is not asked when a question is about the key alone. */
const ofMachines: VerdictCode[] = ['FINGERPRINT_REQUIRED', 'FINGERPRINT_NOT_FOUND', 'MACHINE_LIMIT_EXCEEDED'];

const codeOf = (license: Partial<Examined> = {}, question: Question = {}) => judge({ ...sound, ...license }, question).code;

describe('the verdict', () => {
  test('on an unknown key is NOT_FOUND', () => {
    expect(judge(null, {})).toMatchObject({ valid: false, code: 'NOT_FOUND' });
  });

  test('on a sound license is VALID, by product code, product id and entitlements', () => {
    expect(judge(sound, { product: 'ACME', entitlements: ['export'] })).toMatchObject({ valid: true, code: 'VALID' });
    expect(codeOf({}, { product: sound.product.id.toUpperCase() })).toBe('VALID');
  });

  test.each(faults)('is %s for that fault alone', (code, { license, question }) => {
    expect(judge({ ...sound, ...license }, question ?? {})).toMatchObject({ valid: false, code });
  });

  const pairs = faults.flatMap(([first, a], index) => faults.slice(index + 1).map(([second, b]) => [first, second, a, b] as const));
  test.each(pairs)('of %s and %s names the guard that stands first', (first, second, a, b) => {
    // The faults of a fingerprint exclude one another, as do two statuses: the earlier one is the one that is there.
    const code = codeOf({ ...b.license, ...a.license }, first === 'FINGERPRINT_REQUIRED' ? {} : { ...b.question, ...a.question });
    expect(code).toBe(first);
    expect(second).not.toBe(first);
  });

  test('on an expired license under ALLOW_ACCESS is valid and says so', () => {
    const license = { status: 'expired', policy: { expirationStrategy: 'ALLOW_ACCESS', requireFingerprint: false } } as const;
    expect(judge({ ...sound, ...license }, {})).toMatchObject({ valid: true, code: 'EXPIRED_ALLOWED' });
  });

  test('on the key alone asks after no machine, and after everything else', () => {
    for (const [code, { license, question }] of faults) expect([code, codeOf(license, { ...question, keyAlone: true })]).toEqual([code, ofMachines.includes(code) ? 'VALID' : code]);
  });
});
