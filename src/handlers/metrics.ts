import type { RequestHandler } from 'express';
import { Registry } from 'prom-client';
import { readMetrics, type Watched } from './metrics-page.ts';

/** However often and by however many it is scraped, the database is asked once in this time. */
const REFRESH_MS = 5_000;

/** How everything stands, for Prometheus. */
export function metrics(watched: Watched): RequestHandler {
  let held: { page: Promise<string>; staleAt: number } | null = null;
  return async (_request, response) => {
    if (held === null || performance.now() >= held.staleAt) {
      held = { page: readMetrics(watched), staleAt: performance.now() + REFRESH_MS };
      held.page.catch(() => (held = null));
    }
    response.type(Registry.PROMETHEUS_CONTENT_TYPE).send(await held.page);
  };
}
