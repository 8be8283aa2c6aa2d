import { z } from 'zod';
import { mappingFields, mappingRequest } from '../../billing/core/mapping.ts';
import { createMapping } from '../../billing/create-mapping.ts';
import { deleteMapping } from '../../billing/delete-mapping.ts';
import { listMappings, readMapping } from '../../billing/read-mappings.ts';
import { mappingChange, updateMapping } from '../../billing/update-mapping.ts';
import type { Database } from '../../database/orm.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const mapping = z.strictObject({ ...mappingFields.shape, id: shown.id, ...timestamps }).meta({ id: 'StripeMapping' });

export function stripeMappingRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/stripe-mappings';
  return [
    managementRoute({ method: 'post', path, permission: 'stripe:write', summary: 'Create a Stripe mapping', input: mappingRequest, answers: answersOne(mapping, 201), refuses: ['CONFLICT'] }, async ({ scope, input, now }) =>
      one(await createMapping(database, scope, input, now), withoutScope),
    ),
    managementRoute({ method: 'get', path, permission: 'stripe:read', summary: 'List Stripe mappings', input: pageQuery, answers: answersMany(mapping) }, async ({ scope, input }) =>
      many(await listMappings(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'stripe:read', summary: 'Read a Stripe mapping', input: noInput, answers: answersOne(mapping) }, async ({ scope, id }) =>
      one(await readMapping(database, scope, id), withoutScope),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'stripe:write', summary: 'Change a Stripe mapping, for what is bought from now on', input: mappingChange, answers: answersOne(mapping), refuses: ['CONFLICT'] }, async ({ scope, id, input, now }) =>
      one(await updateMapping(database, { scope, id }, input, now), withoutScope),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'stripe:write', summary: 'Delete a Stripe mapping; its licenses stay', input: noInput, answers: answersNothing }, async ({ scope, id, now }) =>
      done(await deleteMapping(database, { scope, id }, now)),
    ),
  ];
}
