import { entitlementRecord, recordOf } from '../../licensing/core/entitlement-record.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import { type LicenseDetails, listLicenses, readLicense } from '../../licensing/read-licenses.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';

const record = entitlementRecord.meta({ id: 'EntitlementRecord' });

/** Licenses as LicenseEntitlement records. */
export function entitlementRecordRoutes(dependencies: Licensing): Route[] {
  const { database, keys, slackHours } = dependencies;
  const view = (now: Date) => (license: LicenseDetails) => recordOf(license, { key: keys.decrypt(license.keyEncrypted), slackHours }, now);
  return [
    managementRoute({ method: 'get', path: '/api/v1/licenses/:id/entitlement-record', permission: 'licenses:read', summary: 'Read a license as a LicenseEntitlement record', input: noInput, answers: answersOne(record) }, async ({ scope, id, now }) =>
      one(await readLicense(database, { scope, id, own: null }), view(now)),
    ),
    managementRoute({ method: 'get', path: '/api/v1/entitlement-records', permission: 'licenses:read', summary: 'List licenses as LicenseEntitlement records', input: pageQuery, answers: answersMany(record) }, async ({ scope, input, now }) =>
      many(await listLicenses(dependencies, scope, { filter: {}, page: input }, now), view(now)),
    ),
  ];
}
