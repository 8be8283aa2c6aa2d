import { z } from 'zod';
import { metadata } from './metadata.ts';

/** Policy fields: names, types and defaults as frozen by the v1 contract. */

const policyTemplates = ['desktop_app', 'cli_tool', 'saas', 'trial', 'custom'] as const;
const expirationStrategies = ['RESTRICT_ACCESS', 'ALLOW_ACCESS', 'REVOKE'] as const;
const heartbeatCullStrategies = ['DEACTIVATE_DEAD', 'KEEP_DEAD'] as const;
const fingerprintUniqueness = ['PER_LICENSE', 'PER_POLICY', 'PER_ACCOUNT'] as const;

export type PolicyTemplate = (typeof policyTemplates)[number];
export type ExpirationStrategy = (typeof expirationStrategies)[number];
export type HeartbeatCullStrategy = (typeof heartbeatCullStrategies)[number];
export type FingerprintUniqueness = (typeof fingerprintUniqueness)[number];

/** Largest value of a PostgreSQL `integer`; what is counted in one may not ask for more. */
const MOST = 2_147_483_647;
/** About a century: a longer term is a typing slip, and dates past the year 9999 break readers. */
const MOST_DAYS = 36_500;

const count = z.int().positive().max(MOST).nullable();
const days = z.int().positive().max(MOST_DAYS);

/** What a policy says, besides its id and product. */
export const policyFields = z.strictObject({
  name: z.string().min(1).max(255),
  template: z.enum(policyTemplates).nullable(),
  maxMachines: count,
  maxUses: count,
  floating: z.boolean(),
  durationDays: days.nullable(),
  expirationStrategy: z.enum(expirationStrategies).meta({ description: 'What the end of a license means: not valid until it is renewed, still valid (`EXPIRED_ALLOWED`), or revoked for good.' }),
  requireHeartbeat: z.boolean().meta({ description: 'Whether a machine of which nothing was heard for more than two intervals is dead.' }),
  heartbeatIntervalMinutes: z.int().min(1).max(525_600),
  heartbeatCullStrategy: z.enum(heartbeatCullStrategies).meta({ description: 'What becomes of a dead machine: it is deactivated and must be activated again, or it stays, keeps its slot, and its next heartbeat revives it.' }),
  requireFingerprint: z.boolean(),
  fingerprintUniqueness: z.enum(fingerprintUniqueness),
  offlineAllowed: z.boolean(),
  offlineMaxDays: z.int().min(1).max(MOST_DAYS),
  allowMachineTransfer: z.boolean(),
  isTrial: z.boolean(),
  trialDurationDays: days.nullable(),
  overridable: z.boolean(),
  maxUniqueFingerprints: count,
  metadata,
});

export type PolicyFields = z.infer<typeof policyFields>;

/** A request for a policy: its product and name, and whichever fields differ from the template and the defaults. */
export const policyRequest = policyFields.partial().extend({
  productId: z.uuid(),
  name: policyFields.shape.name,
});

export type PolicyRequest = z.infer<typeof policyRequest>;

const defaults: Omit<PolicyFields, 'name'> = {
  template: null,
  maxMachines: null,
  maxUses: null,
  floating: false,
  durationDays: null,
  expirationStrategy: 'RESTRICT_ACCESS',
  requireHeartbeat: false,
  heartbeatIntervalMinutes: 60,
  heartbeatCullStrategy: 'DEACTIVATE_DEAD',
  requireFingerprint: true,
  fingerprintUniqueness: 'PER_LICENSE',
  offlineAllowed: true,
  offlineMaxDays: 14,
  allowMachineTransfer: false,
  isTrial: false,
  trialDurationDays: null,
  overridable: true,
  maxUniqueFingerprints: null,
  metadata: {},
};

/** What a template pre-fills where the request is silent. It constrains nothing. */
const templates: Record<PolicyTemplate, Partial<PolicyFields>> = {
  desktop_app: { maxMachines: 3, durationDays: null, offlineAllowed: true },
  cli_tool: { maxMachines: 5, floating: true, offlineAllowed: true },
  saas: { requireFingerprint: false, offlineAllowed: false },
  trial: { isTrial: true, trialDurationDays: 14, maxMachines: 1, offlineAllowed: false, maxUses: null },
  custom: {},
};

/** The whole policy that a request asks for: the request over its template over the defaults. */
export function completePolicy(request: PolicyRequest): PolicyFields {
  const { productId: _productId, ...fields } = request;
  const prefilled = request.template ? templates[request.template] : {};
  return { ...defaults, ...prefilled, ...fields };
}

const DAY_MS = 86_400_000;

/** When a license issued at `createdAt` under this policy ends; null when it is perpetual. */
export function expiryOf(
  policy: Pick<PolicyFields, 'isTrial' | 'trialDurationDays' | 'durationDays'>,
  createdAt: Date,
): Date | null {
  const term = policy.isTrial && policy.trialDurationDays !== null ? policy.trialDurationDays : policy.durationDays;
  return term === null ? null : new Date(createdAt.getTime() + term * DAY_MS);
}

/** Whether the policy forbids what is asked for: an override of null inherits, and is no override. */
export function overridesRefused(
  { overridable }: Pick<PolicyFields, 'overridable'>,
  asked: { maxMachinesOverride?: number | null | undefined; maxUsesOverride?: number | null | undefined },
): boolean {
  return !overridable && (asked.maxMachinesOverride != null || asked.maxUsesOverride != null);
}

/** Whether customers may take machines off their license themselves. */
export function letsCustomersTransfer({ allowMachineTransfer, floating }: Pick<PolicyFields, 'allowMachineTransfer' | 'floating'>): boolean {
  return allowMachineTransfer || floating;
}
