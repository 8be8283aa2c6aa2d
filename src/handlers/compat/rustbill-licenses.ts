import { z } from 'zod';
import { asOneTransaction } from '../../database/orm.ts';
import type { Scope } from '../../database/scope.ts';
import { ok, refuseField, type Result } from '../../errors.ts';
import { actOnLicense } from '../../licensing/act-on-license.ts';
import { featuresRequest } from '../../licensing/core/features.ts';
import { moment } from '../../licensing/core/moment.ts';
import { overrideFor } from '../../licensing/core/seat.ts';
import type { Action } from '../../licensing/core/transition.ts';
import { createLicense, licenseFields } from '../../licensing/create-license.ts';
import { defaultPolicy } from '../../licensing/default-policy.ts';
import { deleteLicense } from '../../licensing/delete-license.ts';
import { type LicenseDetails, listLicenses, readLicenseByKey } from '../../licensing/read-licenses.ts';
import { updateLicense } from '../../licensing/update-license.ts';
import { answersNothing, granted, knownPage } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { inTurn, streamList } from '../http/stream-list.ts';
import type { InterfaceDependencies } from './other-interface.ts';
import { answers, ofLicense, rustbillStatuses, statusAt, viewLicense } from './rustbill-answers.ts';

/** A date alone is the moment at which it begins. */
const end = z.union([moment, z.iso.date().transform((date) => `${date}T00:00:00Z`).pipe(moment)], { error: 'expected an ISO 8601 date with its time and zone, such as 2027-01-15T00:00:00Z' }).nullable();

/** Null is no limit and no end; elsewhere as much as leaving it out: that is how many clients write what they do not say. */
const licenseInput = z.object({ maxActivations: licenseFields.shape.maxMachinesOverride.optional(), features: featuresRequest.nullish(), expiresAt: end.optional() });

const createInput = licenseInput.extend({ customerId: z.uuid(), productId: z.uuid() });
const changeInput = licenseInput.extend({ status: z.enum(rustbillStatuses, 'expected active, suspended or revoked').nullish() });
type Change = z.output<typeof changeInput>;

const listInput = z.object({ limit: z.coerce.number().int().min(1).max(1000).optional(), cursor: z.uuid().optional() });
/** Of a page of which no length is said. */
const PAGE = 100;
/** Read at once where all are sent. */
const MOST_READ = 100;

const path = '/api/licenses';
const one = { status: 200, body: answers.license };

export function licenseRoutes(dependencies: InterfaceDependencies): Route[] {
  return [
    listRoute(dependencies),
    managementRoute({ method: 'post', path, permission: 'licenses:write', summary: 'Create a license', input: createInput, answers: { ...one, status: 201 } }, async ({ scope, input, now }) => ({
      body: viewLicense(dependencies, now)(await asOneTransaction(dependencies.database, () => createUnderProduct(dependencies, scope, input, now))),
    })),
    managementRoute({ method: 'get', path: `${path}/:key`, permission: 'licenses:read', summary: 'Read a license', input: z.unknown(), answers: one }, async ({ scope, params, now }) => ({
      body: viewLicense(dependencies, now)(ofLicense(await readLicenseByKey(dependencies, scope, params['key'] ?? ''))),
    })),
    managementRoute({ method: 'put', path: `${path}/:key`, permission: 'licenses:write', summary: 'Change a license', input: changeInput, answers: one }, async ({ scope, params, input, now }) => ({
      body: viewLicense(dependencies, now)(await asOneTransaction(dependencies.database, () => changeLicense(dependencies, { scope, key: params['key'] ?? '' }, input, now))),
    })),
    managementRoute({ method: 'delete', path: `${path}/:key`, permission: 'licenses:write', summary: 'Delete a license', input: z.unknown(), answers: answersNothing }, async ({ scope, params, now }) => {
      const { id } = ofLicense(await readLicenseByKey(dependencies, scope, params['key'] ?? ''));
      ofLicense(await deleteLicense(dependencies, { scope, id }, now));
      return {};
    }),
  ];
}

/** All licenses at once, or the page that was asked for with a link to the next. */
function listRoute(dependencies: InterfaceDependencies): Route {
  return managementRoute({ method: 'get', path, permission: 'licenses:read', summary: 'List licenses', input: listInput, answers: { status: 200, body: z.array(answers.license) } }, async ({ scope, input, now }) => {
    const read = (limit: number) => (cursor: string | undefined) => listLicenses(dependencies, scope, { filter: {}, page: { limit, cursor } }, now);
    const view = viewLicense(dependencies, now);
    if (input.limit === undefined && input.cursor === undefined) return streamList(read(MOST_READ), view);
    const limit = input.limit ?? PAGE;
    const { rows, nextCursor } = knownPage(await inTurn(() => read(limit)(input.cursor)));
    return { body: rows.map(view), ...(nextCursor !== null && { headers: { Link: `<${path}?limit=${limit}&cursor=${nextCursor}>; rel="next"` } }) };
  });
}

async function createUnderProduct(dependencies: InterfaceDependencies, scope: Scope, request: z.output<typeof createInput>, now: Date): Promise<LicenseDetails> {
  const { customerId, productId, maxActivations, features, expiresAt } = request;
  const policy = granted(await defaultPolicy(dependencies.database, scope, productId, now));
  const maxMachinesOverride = overrideFor(maxActivations, policy.maxMachines);
  return granted(await createLicense(dependencies, scope, { policyId: policy.id, customerId, maxMachinesOverride, features: features ?? undefined, expiresAt, entitlementIds: [] }, now));
}

const actionTo: Record<Exclude<Change['status'], 'expired' | null | undefined>, Action> = { active: 'reinstate', suspended: 'suspend', revoked: 'revoke' };

/** What the license is already is no change: clients send back whole objects. */
async function changeLicense(dependencies: InterfaceDependencies, { scope, key }: { scope: Scope; key: string }, { status, features, ...request }: Change, now: Date): Promise<LicenseDetails> {
  const found = ofLicense(await readLicenseByKey(dependencies, scope, key));
  const at = { scope, id: found.id };
  const expiresAt = request.expiresAt?.getTime() === found.expiresAt?.getTime() ? undefined : request.expiresAt;
  const { maxActivations: limit = found.maxMachines } = request;
  const maxMachinesOverride = limit === found.maxMachines ? undefined : overrideFor(limit, found.seats ?? found.policy.maxMachines);
  const takeStatus = async (license: LicenseDetails): Promise<Result<LicenseDetails>> => {
    const current = [found, license].map((one) => statusAt(one, dependencies, now));
    if (status == null || current.includes(status)) return ok(license);
    if (status === 'expired') return refuseField('status', 'status: a license expires by its expiresAt. Set that.', 'not_settable');
    return actOnLicense(dependencies, at, { action: actionTo[status], expiresAt: expiresAt ?? undefined }, now);
  };
  const takeFields = () => updateLicense(dependencies, at, { expiresAt, maxMachinesOverride, features: features ?? undefined }, now);
  // Without an end there is nothing to reinstate it until: that is taken away first.
  const steps = expiresAt === null ? [takeFields, takeStatus] : [takeStatus, takeFields];
  let license = found;
  for (const step of steps) license = ofLicense(await step(license));
  return license;
}
