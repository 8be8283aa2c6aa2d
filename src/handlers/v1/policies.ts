import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { policyFields, policyRequest } from '../../licensing/core/policy.ts';
import { createPolicy } from '../../licensing/create-policy.ts';
import { deletePolicy } from '../../licensing/delete-policy.ts';
import { entitlementIdsRequest } from '../../licensing/grant-entitlements.ts';
import { grantPolicyEntitlements } from '../../licensing/grant-policy-entitlements.ts';
import { listPolicies, type PolicyDetails, readPolicy } from '../../licensing/read-policies.ts';
import { policyChange, updatePolicy } from '../../licensing/update-policy.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const policiesQuery = pageQuery.extend({ productId: z.uuid().optional() });

const policy = policyFields.extend({ id: shown.id, productId: shown.id, entitlements: z.array(z.string()), ...timestamps }).meta({ id: 'Policy' });

const path = '/api/v1/policies';

export function policyRoutes({ database }: { database: Database }): Route[] {
  return [
    managementRoute({ method: 'post', path, permission: 'policies:write', summary: 'Create a policy', input: policyRequest, answers: answersOne(policy, 201) }, async ({ scope, input, now }) =>
      one(await createPolicy(database, scope, input, now), viewPolicy),
    ),
    managementRoute({ method: 'get', path, permission: 'policies:read', summary: 'List policies', input: policiesQuery, answers: answersMany(policy) }, async ({ scope, input }) => {
      const { productId, ...page } = input;
      return many(await listPolicies(database, scope, { productId }, page), viewPolicy);
    }),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'policies:read', summary: 'Read a policy', input: noInput, answers: answersOne(policy) }, async ({ scope, id }) =>
      one(await readPolicy(database, scope, id), viewPolicy),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'policies:write', summary: 'Change a policy, for its licenses too', input: policyChange, answers: answersOne(policy) }, async ({ scope, id, input, now }) =>
      one(await updatePolicy(database, { scope, id }, input, now), viewPolicy),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'policies:write', summary: 'Delete a policy that nothing uses', input: noInput, answers: answersNothing, refuses: ['CONFLICT'] }, async ({ scope, id, now }) =>
      done(await deletePolicy(database, { scope, id }, now)),
    ),
    ...(['post', 'delete'] as const).map((method) =>
      managementRoute({ method, path: `${path}/:id/entitlements`, permission: 'policies:write', summary: method === 'post' ? 'Grant the licenses of a policy entitlements' : 'Take entitlements back from a policy', input: entitlementIdsRequest, answers: answersOne(policy) }, async ({ scope, id, input, now }) =>
        one(await grantPolicyEntitlements(database, { scope, id }, { ...input, granted: method === 'post' }, now), viewPolicy),
      ),
    ),
  ];
}

/** When it began to require heartbeats is for judging machines, and no field of the contract. */
function viewPolicy({ heartbeatRequiredSince: _heartbeatRequiredSince, ...policy }: PolicyDetails): object {
  return withoutScope(policy);
}
