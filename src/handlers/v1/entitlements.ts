import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { createEntitlement, entitlementRequest } from '../../licensing/create-entitlement.ts';
import { listEntitlements, readEntitlement } from '../../licensing/read-catalog.ts';
import { many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { withoutScope } from './view.ts';

export function entitlementRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  const path = '/api/v1/entitlements';
  return [
    managementRoute({ method: 'post', path, permission: 'entitlements:write', input: entitlementRequest }, async ({ scope, input }) =>
      one(await createEntitlement(database, scope, input, clock.now()), withoutScope, 201),
    ),
    managementRoute({ method: 'get', path, permission: 'entitlements:read', input: pageQuery }, async ({ scope, input }) =>
      many(await listEntitlements(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'entitlements:read', input: noInput }, async ({ scope, id }) =>
      one(await readEntitlement(database, scope, id), withoutScope),
    ),
  ];
}
