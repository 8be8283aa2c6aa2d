import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { policyRequest } from '../../licensing/core/policy.ts';
import { createPolicy } from '../../licensing/create-policy.ts';
import { listPolicies, readPolicy } from '../../licensing/read-catalog.ts';
import { many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { withoutScope } from './view.ts';

export function policyRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  const path = '/api/v1/policies';
  return [
    managementRoute({ method: 'post', path, permission: 'policies:write', input: policyRequest }, async ({ scope, input }) =>
      one(await createPolicy(database, scope, input, clock.now()), withoutScope, 201),
    ),
    managementRoute({ method: 'get', path, permission: 'policies:read', input: pageQuery }, async ({ scope, input }) =>
      many(await listPolicies(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'policies:read', input: noInput }, async ({ scope, id }) =>
      one(await readPolicy(database, scope, id), withoutScope),
    ),
  ];
}
