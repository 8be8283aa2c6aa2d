import { z } from 'zod';
import type { Database } from '../../database/orm.ts';
import { createEntitlement, entitlementRequest } from '../../licensing/create-entitlement.ts';
import { deleteEntitlement } from '../../licensing/delete-entitlement.ts';
import { listEntitlements, readEntitlement } from '../../licensing/read-entitlements.ts';
import { entitlementChange, updateEntitlement } from '../../licensing/update-entitlement.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown, timestamps, withoutScope } from './view.ts';

const entitlement = z.strictObject({ id: shown.id, code: z.string(), name: z.string(), metadata: shown.metadata, ...timestamps }).meta({ id: 'Entitlement' });

export function entitlementRoutes({ database }: { database: Database }): Route[] {
  const path = '/api/v1/entitlements';
  return [
    managementRoute({ method: 'post', path, permission: 'entitlements:write', summary: 'Create an entitlement', input: entitlementRequest, answers: answersOne(entitlement, 201), refuses: ['CONFLICT'] }, async ({ scope, input, now }) =>
      one(await createEntitlement(database, scope, input, now), withoutScope),
    ),
    managementRoute({ method: 'get', path, permission: 'entitlements:read', summary: 'List entitlements', input: pageQuery, answers: answersMany(entitlement) }, async ({ scope, input }) =>
      many(await listEntitlements(database, scope, input), withoutScope),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'entitlements:read', summary: 'Read an entitlement', input: noInput, answers: answersOne(entitlement) }, async ({ scope, id }) =>
      one(await readEntitlement(database, scope, id), withoutScope),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'entitlements:write', summary: 'Change an entitlement', input: entitlementChange, answers: answersOne(entitlement), refuses: ['CONFLICT'] }, async ({ scope, id, input, now }) =>
      one(await updateEntitlement(database, { scope, id }, input, now), withoutScope),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'entitlements:write', summary: 'Delete an entitlement, also from whoever has it', input: noInput, answers: answersNothing }, async ({ scope, id, now }) =>
      done(await deleteEntitlement(database, { scope, id }, now)),
    ),
  ];
}
