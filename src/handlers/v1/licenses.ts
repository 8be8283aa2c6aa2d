import { z } from 'zod';
import type { RefusalCode } from '../../errors.ts';
import { actOnLicense } from '../../licensing/act-on-license.ts';
import { moment } from '../../licensing/core/moment.ts';
import { statuses } from '../../licensing/core/status.ts';
import type { Action } from '../../licensing/core/transition.ts';
import { createLicense, licenseRequest } from '../../licensing/create-license.ts';
import { deleteLicense } from '../../licensing/delete-license.ts';
import { entitlementIdsRequest, grantEntitlements } from '../../licensing/grant-entitlements.ts';
import { viewLicense } from '../../licensing/license-view.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { type LicenseDetails, listLicenses, readLicense } from '../../licensing/read-licenses.ts';
import { licenseChange, updateLicense } from '../../licensing/update-license.ts';
import type { Validations } from '../../licensing/validate-key.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { licensedRoute, managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps } from './view.ts';

const licensesQuery = pageQuery.extend({
  status: z.enum(statuses).optional(),
  productId: z.uuid().optional(),
  policyId: z.uuid().optional(),
  customerId: z.uuid().optional(),
  userEmail: z.string().min(1).max(320).optional(),
  key: z.string().min(1).max(255).optional(),
  expiresBefore: moment.optional(),
  expiresAfter: moment.optional(),
  stripeSubscriptionId: z.string().min(1).max(255).optional(),
  q: z.string().min(1).max(255).optional(),
});

export const billing = z.strictObject({
  state: z.enum(['ACTIVE', 'GRACE', 'SUSPENDED', 'ENDED', 'REVOKED']), reason: shown.text,
  graceEndsAt: shown.timeOrNull, cancelsAt: shown.timeOrNull, paidThrough: shown.timeOrNull,
  stripeCustomerId: shown.text, stripeSubscriptionId: shown.text, stripeSubscriptionItemId: shown.text,
  stripeCheckoutSessionId: shown.text, stripePriceId: shown.text, mappingId: shown.text,
});

export const license = z.strictObject({
  id: shown.id, key: z.string(), name: shown.text, status: z.enum(statuses), productId: shown.id, policyId: shown.id,
  customerId: shown.id.nullable(), userEmail: shown.text, userName: shown.text, expiresAt: shown.timeOrNull,
  maxMachinesOverride: shown.limit, maxUsesOverride: shown.limit, maxMachines: shown.limit, maxUses: shown.limit,
  usesCount: shown.count, machineCount: shown.count, entitlements: z.array(z.string()), lastValidatedAt: shown.timeOrNull,
  metadata: shown.metadata, billing: billing.nullable(), ...timestamps,
}).meta({ id: 'License' });

type Dependencies = Licensing & { validations: Pick<Validations, 'flush'> };

const path = '/api/v1/licenses';

type ActionInput = { expiresAt?: Date | undefined; reason?: string | undefined };

/** What each action takes, and what it may be refused for. */
const actions: { action: Action; summary: string; input: z.ZodType<ActionInput>; refuses: RefusalCode[] }[] = [
  { action: 'suspend', summary: 'Suspend a license', input: z.strictObject({ reason: z.string().max(1000).optional() }), refuses: ['CONFLICT'] },
  { action: 'reinstate', summary: 'Lift the vendor’s suspension, or give an expired license a new end', input: z.strictObject({ expiresAt: moment.optional() }), refuses: ['CONFLICT', 'EXPIRY_REQUIRED'] },
  { action: 'revoke', summary: 'Revoke a license for good', input: noInput, refuses: ['CONFLICT'] },
  { action: 'ban', summary: 'Ban a license for good', input: noInput, refuses: ['CONFLICT'] },
  { action: 'renew', summary: 'Renew a license to a given end, or by its policy’s durationDays', input: z.strictObject({ expiresAt: moment.optional() }), refuses: ['CONFLICT', 'NOT_RENEWABLE'] },
  { action: 'rotate-key', summary: 'Give a license a new key at once; its machines stay', input: noInput, refuses: ['CONFLICT'] },
  { action: 'reset-usage', summary: 'Set the count of uses to 0', input: noInput, refuses: [] },
];

export function licenseRoutes(dependencies: Dependencies): Route[] {
  const view = viewLicenseWith(dependencies);
  return [
    ...readingRoutes(dependencies, view),
    ...actionRoutes(dependencies, view),
    managementRoute({ method: 'post', path, permission: 'licenses:write', summary: 'Create a license', input: licenseRequest, answers: answersOne(license, 201), refuses: ['CONFLICT', 'OVERRIDES_NOT_ALLOWED'] }, async ({ scope, input, now }) =>
      one(await createLicense(dependencies, scope, input, now), view(now)),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'licenses:write', summary: 'Change a license', input: licenseChange, answers: answersOne(license), refuses: ['OVERRIDES_NOT_ALLOWED'] }, async ({ scope, id, input, now }) => {
      // Uses of a moment ago count against a limit that is set now.
      await dependencies.validations.flush();
      return one(await updateLicense(dependencies, { scope, id }, input, now), view(now));
    }),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'licenses:write', summary: 'Delete a license and its machines', input: noInput, answers: answersNothing }, async ({ scope, id, now }) =>
      done(await deleteLicense(dependencies, { scope, id }, now)),
    ),
    ...(['post', 'delete'] as const).map((method) =>
      managementRoute({ method, path: `${path}/:id/entitlements`, permission: 'licenses:write', summary: method === 'post' ? 'Grant a license entitlements' : 'Take entitlements back', input: entitlementIdsRequest, answers: answersOne(license) }, async ({ scope, id, input, now }) =>
        one(await grantEntitlements(dependencies, { scope, id }, { ...input, granted: method === 'post' }, now), view(now)),
      ),
    ),
  ];
}

type View = (now: Date) => (license: LicenseDetails) => object;

/** Shows a license with its key, as it is now. */
export function viewLicenseWith({ keys, slackHours }: Pick<Dependencies, 'keys' | 'slackHours'>): View {
  return (now) => (license) => {
    const { id, ...rest } = viewLicense(license, slackHours, now);
    return { id, key: keys.decrypt(license.keyEncrypted), ...rest };
  };
}

/** What validations counted here a moment ago is written down first, so that a reader sees it. */
function readingRoutes(dependencies: Dependencies, view: View): Route[] {
  const { validations } = dependencies;
  return [
    managementRoute({ method: 'get', path, permission: 'licenses:read', summary: 'List licenses', input: licensesQuery, answers: answersMany(license) }, async ({ scope, input, now }) => {
      const { limit, cursor, ...filter } = input;
      await validations.flush();
      return many(await listLicenses(dependencies, scope, { filter, page: { limit, cursor } }, now), view(now));
    }),
    licensedRoute({ method: 'get', path: `${path}/:id`, permission: 'licenses:read', limit: 'other', summary: 'Read a license', input: noInput, answers: answersOne(license) }, async ({ scope, id, own, now }) => {
      await validations.flush();
      return one(await readLicense(dependencies.database, { scope, id, own }), view(now));
    }),
  ];
}

function actionRoutes(dependencies: Dependencies, view: View): Route[] {
  return actions.map(({ action, summary, input, refuses }) =>
    managementRoute({ method: 'post', path: `${path}/:id/${action}`, permission: 'licenses:write', summary, input, answers: answersOne(license), refuses }, async ({ scope, id, input, now }) => {
      await dependencies.validations.flush();
      return one(await actOnLicense(dependencies, { scope, id }, { action, ...input }, now), view(now));
    }),
  );
}
