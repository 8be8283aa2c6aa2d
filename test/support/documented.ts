import { z } from 'zod';
import type { Route } from '../../src/handlers/http/route.ts';

/** Whether answers are as the routes document them. */

const errorShape = z.strictObject({
  error: z.string().min(1),
  code: z.string().regex(/^[A-Z_]+$/),
  details: z.union([
    z.strictObject({ issues: z.array(z.strictObject({ path: z.array(z.union([z.string(), z.number()])), message: z.string(), code: z.string() })).min(1) }),
    z.record(z.string(), z.number()),
  ]).optional(),
  requestId: z.uuid(),
});

type Reply = { status: number; body?: unknown; headers: Record<string, string | string[] | undefined> };

/** What is undocumented in a reply to a route; null when all of it is as documented. */
export function undocumented({ method, path, answers }: Route, { status, body, headers }: Reply): string | null {
  if (status >= 400) return notAnError({ status, body, headers });
  const where = `${method} ${path} ${status}`;
  if (status !== answers.status && status !== answers.also?.status) return `${where}: an undocumented status`;
  if (answers.body === null) return body === undefined || body === '' || Object.keys(body ?? {}).length === 0 ? null : `${where}: a body where none is documented`;
  const parsed = answers.body.safeParse(body);
  return parsed.success ? null : `${where}: ${z.prettifyError(parsed.error)}`;
}

/** What of an error is not in the documented shape. */
export function notAnError({ status, body, headers }: Reply): string | null {
  const parsed = errorShape.safeParse(body);
  if (!parsed.success) return `${status}: ${z.prettifyError(parsed.error)}`;
  return parsed.data.requestId === headers['x-request-id'] ? null : `${status}: the request id is not that of X-Request-Id`;
}

/** The route that serves a request. */
export function routeOf(routes: Route[], method: string, path: string): Route {
  const [asked = ''] = path.split('?');
  const fits = (route: Route) => route.method === method.toLowerCase() && new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`).test(asked);
  const found = routes.find(fits);
  if (!found) throw new Error(`no route serves ${method} ${path}`);
  return found;
}
