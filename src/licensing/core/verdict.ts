import type { ExpirationStrategy } from './policy.ts';
import type { Status } from './status.ts';

/** What validate-key may answer, in the order the guards stand. */
export const verdictCodes = [
  'NOT_FOUND', 'PRODUCT_MISMATCH', 'BANNED', 'REVOKED', 'SUSPENDED', 'EXPIRED',
  'FINGERPRINT_REQUIRED', 'FINGERPRINT_NOT_FOUND', 'MACHINE_LIMIT_EXCEEDED', 'HEARTBEAT_REQUIRED',
  'ENTITLEMENTS_MISSING', 'USES_EXCEEDED', 'VALID', 'EXPIRED_ALLOWED',
] as const;
export type VerdictCode = (typeof verdictCodes)[number];

export type Verdict = { valid: boolean; code: VerdictCode; detail: string };

/** What the app asks beside the key. */
export type Question = {
  product?: string | undefined;
  fingerprint?: string | undefined;
  entitlements?: string[] | undefined;
  /** The question is about the key, whatever machine asks: what interfaces that know no fingerprint ask. */
  keyAlone?: boolean | undefined;
};

/**
 * What is known of the license when it is asked about. `machine` is the one with the fingerprint that was sent, null when
 * none has it; `slotFree` whether one more machine could be activated.
 */
export type Examined = {
  status: Status;
  product: { id: string; code: string };
  policy: { expirationStrategy: ExpirationStrategy; requireFingerprint: boolean };
  machine: { dead: boolean } | null;
  slotFree: boolean;
  entitlements: string[];
  usesLeft: boolean;
};

type Guard = (license: Examined, question: Question) => VerdictCode | null;

/** The guards in the order of the API contract: the first that fails names the code. */
const guards: Guard[] = [
  (license, { product }) => (product === undefined || names(license.product, product) ? null : 'PRODUCT_MISMATCH'),
  ({ status, policy }) => refusedState(status, policy.expirationStrategy),
  ({ policy }, { fingerprint, keyAlone }) => (policy.requireFingerprint && fingerprint === undefined && !keyAlone ? 'FINGERPRINT_REQUIRED' : null),
  ({ policy, machine, slotFree }, { keyAlone }) => (!policy.requireFingerprint || machine || keyAlone ? null : slotFree ? 'FINGERPRINT_NOT_FOUND' : 'MACHINE_LIMIT_EXCEEDED'),
  ({ machine }) => (machine?.dead ? 'HEARTBEAT_REQUIRED' : null),
  (license, { entitlements = [] }) => (entitlements.every((code) => license.entitlements.includes(code)) ? null : 'ENTITLEMENTS_MISSING'),
  ({ usesLeft }) => (usesLeft ? null : 'USES_EXCEEDED'),
];

/** The states that let nothing through, each its own code; null lets through. ALLOW_ACCESS lets an expired license through. */
export function refusedState(status: Status, strategy: ExpirationStrategy): 'BANNED' | 'REVOKED' | 'SUSPENDED' | 'EXPIRED' | null {
  switch (status) {
    case 'banned':
      return 'BANNED';
    case 'revoked':
      return 'REVOKED';
    case 'suspended':
      return 'SUSPENDED';
    case 'expired':
      return strategy === 'ALLOW_ACCESS' ? null : 'EXPIRED';
    case 'active':
      return null;
  }
}

/** What each code means, in a sentence. */
export const details: Record<VerdictCode, string> = {
  NOT_FOUND: 'No license has this key.',
  PRODUCT_MISMATCH: 'The key belongs to another product.',
  BANNED: 'The license is banned.',
  REVOKED: 'The license was revoked.',
  SUSPENDED: 'The license is suspended.',
  EXPIRED: 'The license has expired.',
  FINGERPRINT_REQUIRED: 'The policy requires a machine fingerprint and none was sent.',
  FINGERPRINT_NOT_FOUND: 'No machine with this fingerprint is activated; activate it first.',
  MACHINE_LIMIT_EXCEEDED: 'No machine with this fingerprint is activated, and the license has no machine slot left.',
  HEARTBEAT_REQUIRED: 'The machine sent no heartbeat for too long; send one first.',
  ENTITLEMENTS_MISSING: 'The license lacks an entitlement that was asked for.',
  USES_EXCEEDED: 'The license has no uses left.',
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
