import { mappingRequest } from '../../billing/core/mapping.ts';
import { createMapping } from '../../billing/create-mapping.ts';
import { listMappings, readMapping } from '../../billing/read-mappings.ts';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { withoutScope } from './view.ts';

export function stripeMappingRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  const path = '/api/v1/stripe-mappings';
  return [
    managementRoute({ method: 'post', path, permission: 'stripe:write', input: mappingRequest }, async ({ scope, input }) =>
      one(await createMapping(database, scope, input, clock.now()), withoutScope, 201),
    ),
    managementRoute({ method: 'get', path, permission: 'stripe:read', input: pageQuery }, async ({ scope, input }) =>
      many(await listMappings(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'stripe:read', input: noInput }, async ({ scope, id }) =>
      one(await readMapping(database, scope, id), withoutScope),
    ),
  ];
}
