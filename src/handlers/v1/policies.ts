import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { policyFields, policyRequest } from '../../licensing/core/policy.ts';
import { createPolicy } from '../../licensing/create-policy.ts';
import { listPolicies, readPolicy } from '../../licensing/read-catalog.ts';
import { answersMany, answersOne, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const policy = policyFields.extend({ id: shown.id, productId: shown.id, entitlements: z.array(z.string()), ...timestamps }).meta({ id: 'Policy' });

export function policyRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  const path = '/api/v1/policies';
  return [
    managementRoute({ method: 'post', path, permission: 'policies:write', summary: 'Create a policy', input: policyRequest, answers: answersOne(policy, 201), refuses: ['CONFLICT'] }, async ({ scope, input }) =>
      one(await createPolicy(database, scope, input, clock.now()), withoutScope),
    ),
    managementRoute({ method: 'get', path, permission: 'policies:read', summary: 'List policies', input: pageQuery, answers: answersMany(policy) }, async ({ scope, input }) =>
      many(await listPolicies(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'policies:read', summary: 'Read a policy', input: noInput, answers: answersOne(policy) }, async ({ scope, id }) =>
      one(await readPolicy(database, scope, id), withoutScope),
    ),
  ];
}
