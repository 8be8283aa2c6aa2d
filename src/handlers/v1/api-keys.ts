import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { ApiKeyRow } from '../../database/account-rows.ts';
import type { Database } from '../../database/orm.ts';
import { permissions } from '../../licensing/core/permission.ts';
import { apiKeyRequest, createApiKey, type KeyHolder } from '../../licensing/create-api-key.ts';
import { deleteApiKey } from '../../licensing/delete-api-key.ts';
import { listApiKeys, readApiKey } from '../../licensing/read-api-keys.ts';
import { apiKeyChange, updateApiKey } from '../../licensing/update-api-key.ts';
import { answersMany, answersNothing, answersOne, done, many, noInput, one, pageQuery } from '../http/answer.ts';
import type { ApiKeyCaller } from '../http/authenticate.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const apiKey = z.strictObject({
  id: shown.id, name: z.string(), prefix: z.string(), scopes: z.array(z.enum(permissions)),
  expiresAt: shown.timeOrNull, lastUsedAt: shown.timeOrNull, createdAt: shown.time, deletedAt: shown.timeOrNull,
}).meta({ id: 'ApiKey' });

const newApiKey = apiKey.extend({ key: z.string() }).meta({ id: 'NewApiKey' });

const path = '/api/v1/api-keys';

export function apiKeyRoutes({ database, clock }: { database: Database; clock: Clock }): Route[] {
  return [
    managementRoute({ method: 'post', path, permission: 'api-keys:write', summary: 'Create an API key, shown in this answer only', input: apiKeyRequest, answers: answersOne(newApiKey, 201), refuses: ['FORBIDDEN'] }, async ({ caller, input }) =>
      one(await createApiKey(database, holderOf(caller), input, clock.now()), ({ key, ...row }) => ({ ...viewApiKey(row), key })),
    ),
    managementRoute({ method: 'get', path, permission: 'api-keys:read', summary: 'List API keys', input: pageQuery, answers: answersMany(apiKey) }, async ({ scope, input }) =>
      many(await listApiKeys(database, scope, input), viewApiKey),
    ),
    managementRoute({ method: 'get', path: `${path}/:id`, permission: 'api-keys:read', summary: 'Read an API key', input: noInput, answers: answersOne(apiKey) }, async ({ scope, id }) =>
      one(await readApiKey(database, scope, id), viewApiKey),
    ),
    managementRoute({ method: 'patch', path: `${path}/:id`, permission: 'api-keys:write', summary: 'Change an API key', input: apiKeyChange, answers: answersOne(apiKey), refuses: ['FORBIDDEN'] }, async ({ caller, id, input }) =>
      one(await updateApiKey(database, { ...holderOf(caller), id }, input, clock.now()), viewApiKey),
    ),
    managementRoute({ method: 'delete', path: `${path}/:id`, permission: 'api-keys:write', summary: 'Delete an API key, at once', input: noInput, answers: answersNothing, refuses: ['FORBIDDEN'] }, async ({ caller, id }) =>
      done(await deleteApiKey(database, { ...holderOf(caller), id }, clock.now())),
    ),
  ];
}

function holderOf({ scope, scopes, expiresAt }: ApiKeyCaller): KeyHolder {
  return { scope, own: scopes, ownEnd: expiresAt };
}

/** What is known of a key: never the key, nor its hash. */
function viewApiKey({ id, name, prefix, scopes, expiresAt, lastUsedAt, createdAt, deletedAt }: ApiKeyRow): object {
  return { id, name, prefix, scopes, expiresAt, lastUsedAt, createdAt, deletedAt };
}
