import type { ExpirationStrategy } from './policy.ts';
import type { Status } from './status.ts';

/** What validate-key may answer, in the order the guards stand. */
export type VerdictCode =
  | 'NOT_FOUND'
  | 'PRODUCT_MISMATCH'
  | 'BANNED'
  | 'REVOKED'
  | 'SUSPENDED'
  | 'EXPIRED'
  | 'FINGERPRINT_REQUIRED'
  | 'FINGERPRINT_NOT_FOUND'
  | 'ENTITLEMENTS_MISSING'
  | 'VALID'
  | 'EXPIRED_ALLOWED';

export type Verdict = { valid: boolean; code: VerdictCode; detail: string };

/** What the app asks beside the key. */
export type Question = { product?: string; fingerprint?: string; entitlements?: string[] };

/** What is known of the license when it is asked about. */
export type Examined = {
  status: Status;
  product: { id: string; code: string };
  policy: { expirationStrategy: ExpirationStrategy; requireFingerprint: boolean };
  entitlements: string[];
};

type Guard = (license: Examined, question: Question) => VerdictCode | null;

/** The guards in the order of the API contract: the first that fails names the code. */
const guards: Guard[] = [
  (license, { product }) => (product === undefined || names(license.product, product) ? null : 'PRODUCT_MISMATCH'),
  ({ status }) => (status === 'banned' ? 'BANNED' : null),
  ({ status }) => (status === 'revoked' ? 'REVOKED' : null),
  ({ status }) => (status === 'suspended' ? 'SUSPENDED' : null),
  ({ status, policy }) => (status === 'expired' && policy.expirationStrategy !== 'ALLOW_ACCESS' ? 'EXPIRED' : null),
  ({ policy }, { fingerprint }) => (policy.requireFingerprint && fingerprint === undefined ? 'FINGERPRINT_REQUIRED' : null),
  // No machine can be activated yet, so a required fingerprint is never known.
  ({ policy }) => (policy.requireFingerprint ? 'FINGERPRINT_NOT_FOUND' : null),
  (license, { entitlements = [] }) =>
    entitlements.every((code) => license.entitlements.includes(code)) ? null : 'ENTITLEMENTS_MISSING',
];

const details: Record<VerdictCode, string> = {
  NOT_FOUND: 'No license has this key.',
  PRODUCT_MISMATCH: 'The key belongs to another product.',
  BANNED: 'The license is banned.',
  REVOKED: 'The license was revoked.',
  SUSPENDED: 'The license is suspended.',
  EXPIRED: 'The license has expired.',
  FINGERPRINT_REQUIRED: 'The policy requires a machine fingerprint and none was sent.',
  FINGERPRINT_NOT_FOUND: 'No machine with this fingerprint is activated.',
  ENTITLEMENTS_MISSING: 'The license lacks an entitlement that was asked for.',
  VALID: 'The license is valid.',
  EXPIRED_ALLOWED: 'The license has expired; its policy still allows access.',
};

/** The answer to validate. `license` is null when no license has the key. */
export function judge(license: Examined | null, question: Question): Verdict {
  return verdict(license ? codeOf(license, question) : 'NOT_FOUND');
}

function codeOf(license: Examined, question: Question): VerdictCode {
  for (const guard of guards) {
    const code = guard(license, question);
    if (code) return code;
  }
  return license.status === 'expired' ? 'EXPIRED_ALLOWED' : 'VALID';
}

function verdict(code: VerdictCode): Verdict {
  return { valid: code === 'VALID' || code === 'EXPIRED_ALLOWED', code, detail: details[code] };
}

function names(product: Examined['product'], asked: string): boolean {
  return product.id === asked.toLowerCase() || product.code === asked;
}
