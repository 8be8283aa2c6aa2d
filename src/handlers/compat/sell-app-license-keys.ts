import { z } from 'zod';
import { asOneTransaction } from '../../database/orm.ts';
import type { Scope } from '../../database/scope.ts';
import { notFound, type Result } from '../../errors.ts';
import { moment } from '../../licensing/core/moment.ts';
import { NO_LIMIT } from '../../licensing/core/seat.ts';
import { limitMachines } from '../../licensing/limit-machines.ts';
import { listNumberedLicenses, listNumberedMachines, type NumberedLicense, readLicenseByNumber } from '../../licensing/numbers.ts';
import { readMachine } from '../../licensing/read-machines.ts';
import { switchLicense } from '../../licensing/switch-license.ts';
import { updateLicense } from '../../licensing/update-license.ts';
import { answersOne, granted } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import type { InterfaceDependencies } from './other-interface.ts';
import { answersPage, instance, licenseKey, pageQuery, viewInstance, viewLicenseKey, viewPage } from './sell-app-shapes.ts';

export type SellAppDependencies = InterfaceDependencies & { publicUrl: string };

const path = '/api/v2/license-keys';
const noInput = z.object({});

/** What may be changed; the rest of a license key that is sent back whole is passed over. sell.app itself says 0 and 1 for false and true. */
const licenseKeyChange = z.object({
  limit: z.int().min(1, 'Expected at least 1, or null for no limit. To close the key, set active to false.').max(NO_LIMIT - 1).nullable(),
  active: z.union([z.boolean(), z.literal([0, 1])], 'Expected true or false.').transform(Boolean).nullable(),
  expires_at: moment.nullable(),
}).partial();

/** License keys, as vendors read and change them. */
export function licenseKeyRoutes(dependencies: SellAppDependencies): Route[] {
  const { database, publicUrl } = dependencies;
  return [
    managementRoute({ method: 'get', path, permission: 'licenses:read', summary: 'List all license keys', input: pageQuery, answers: answersPage(licenseKey) }, async ({ scope, input, now }) => {
      const { rows, total } = await listNumberedLicenses(database, scope, input);
      return { body: viewPage(`${publicUrl}${path}`, input, { data: rows.map((license) => viewLicenseKey(dependencies, license, now)), total }) };
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'licenses:read', summary: 'Retrieve a license key', input: noInput, answers: answersOne(licenseKey) }, async ({ scope, id, now }) =>
      ({ body: { data: viewLicenseKey(dependencies, granted(await licenseAt(dependencies, scope, id)), now) } }),
    ),
    ...(['patch', 'put'] as const).map((method) =>
      managementRoute({ method, path: `${path}/:id`, permission: 'licenses:write', summary: 'Update a license key', input: licenseKeyChange, answers: answersOne(licenseKey) }, async ({ scope, id, input, now }) =>
        ({ body: { data: viewLicenseKey(dependencies, await changeLicenseKey(dependencies, { scope, id }, input, now), now) } }),
      ),
    ),
    ...instanceRoutes(dependencies),
  ];
}

/** Instances, as vendors read them. */
function instanceRoutes(dependencies: SellAppDependencies): Route[] {
  const { database, publicUrl } = dependencies;
  const allAt = '/api/v2/license-key-instances';
  return [
    managementRoute({ method: 'get', path: allAt, permission: 'machines:read', summary: 'List all license instances', input: pageQuery, answers: answersPage(instance) }, async ({ scope, input }) => {
      const { rows, total } = await listNumberedMachines(database, scope, input);
      return { body: viewPage(`${publicUrl}${allAt}`, input, { data: rows.map(viewInstance), total }) };
    }),
    managementRoute({ method: 'get', path: `${path}/:id/instances`, permission: 'machines:read', summary: 'List license instances', input: pageQuery, answers: answersPage(instance) }, async ({ scope, id, input }) => {
      const license = granted(await licenseAt(dependencies, scope, id));
      const { rows, total } = await listNumberedMachines(database, scope, { licenseId: license.id, ...input });
      return { body: viewPage(`${publicUrl}${path}/${license.numbers.license}/instances`, input, { data: rows.map(viewInstance), total }) };
    }),
    managementRoute({ method: 'get', path: `${path}/:id/instances/:uuid`, permission: 'machines:read', summary: 'Retrieve a license instance', input: noInput, answers: answersOne(instance) }, async ({ scope, id, params }) => {
      const { id: own, numbers } = granted(await licenseAt(dependencies, scope, id));
      const { machine } = granted(await readMachine(database, { scope, id: params['uuid'] ?? '', own }));
      return { body: { data: viewInstance({ machine, licenseNumber: numbers.license }) } };
    }),
  ];
}

/** The license that a path names by its number. */
async function licenseAt({ database }: SellAppDependencies, scope: Scope, id: string): Promise<Result<NumberedLicense>> {
  return /^\d{1,15}$/.test(id) ? readLicenseByNumber(database, scope, Number(id)) : notFound();
}

/** All of it or nothing. An end that is sent back as it was is none that the vendor gives. */
async function changeLicenseKey(dependencies: SellAppDependencies, { scope, id }: { scope: Scope; id: string }, { limit, active, expires_at: end }: z.output<typeof licenseKeyChange>, now: Date): Promise<NumberedLicense> {
  // Uses of a moment ago are told with the change.
  await dependencies.validations.flush();
  return asOneTransaction(dependencies.database, async () => {
    const license = granted(await licenseAt(dependencies, scope, id));
    const place = { scope, id: license.id };
    if (end !== undefined && end?.getTime() !== license.expiresAt?.getTime()) granted(await updateLicense(dependencies, place, { expiresAt: end }, now));
    if (limit !== undefined) granted(await limitMachines(dependencies, place, { limit }, now));
    if (active != null) granted(await switchLicense(dependencies, place, { enabled: active }, now));
    return granted(await licenseAt(dependencies, scope, id));
  });
}
