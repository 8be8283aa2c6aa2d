import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from '../../logger.ts';

/** Gives each request an id, sent back as `X-Request-Id`, and logs its end under it. */
export function identifyRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    response.locals['requestId'] = requestId;
    response.setHeader('X-Request-Id', requestId);
    response.once('finish', () => {
      // The route and not the path: a path may carry a key.
      const route = patternOf(request.route);
      const ms = Math.round(performance.now() - startedAt);
      // Probes come every few seconds and tell nothing while they succeed.
      const probe = route === '/healthz' || route === '/readyz';
      log[probe && response.statusCode < 400 ? 'debug' : 'info']({ requestId, method: request.method, route, status: response.statusCode, ms }, 'request');
    });
    next();
  };
}

function patternOf(route: unknown): string {
  return route instanceof Object && 'path' in route ? String(route.path) : 'none';
}

export function requestIdOf(response: Response): string {
  return String(response.locals['requestId'] ?? '');
}
