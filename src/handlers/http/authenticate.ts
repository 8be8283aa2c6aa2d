import type { Request } from 'express';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';

/** What an API key may be allowed to do: read or write one kind of resource. */
type Resource = 'products' | 'policies' | 'licenses' | 'machines' | 'entitlements' | 'customers' | 'webhooks' | 'stripe' | 'api-keys' | 'events';
export type Permission = `${Resource}:${'read' | 'write'}`;

/** Who calls the management API. */
export type Caller = { apiKeyId: string; scope: Scope };

/** Finds the API key that a token is; null when there is none. An empty `scopes` allows everything. */
export type FindApiKey = (token: string) => Promise<{ id: string; scopes: string[]; scope: Scope } | null>;

/** The caller behind `Authorization: Bearer …`. A token we do not know is 401, one without the permission 403. */
export async function authenticate(request: Request, permission: Permission, findApiKey: FindApiKey): Promise<Caller> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const apiKey = token === undefined ? null : await findApiKey(token);
  if (apiKey === null) throw new AppError('UNAUTHORIZED', 401, 'Send a valid API key: Authorization: Bearer lk_live_… or lk_test_…');
  if (apiKey.scopes.length > 0 && !apiKey.scopes.includes(permission)) {
    throw new AppError('FORBIDDEN', 403, `This API key lacks the scope ${permission}.`);
  }
  return { apiKeyId: apiKey.id, scope: apiKey.scope };
}
