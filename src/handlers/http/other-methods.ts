import type { RequestHandler } from 'express';
import { AppError } from '../../errors.ts';
import type { Route } from './route.ts';

/** Answers what came to a path of ours with a method that it does not take: OPTIONS is told which it takes, others get 405. */
export function answerOtherMethods(paths: () => Record<string, object>): RequestHandler {
  let known: ReturnType<typeof knownOf> | undefined;
  return (request, response, next) => {
    known ??= knownOf(paths());
    const methods = known.filter(({ pattern }) => pattern.test(request.path)).flatMap(({ methods: taken }) => taken);
    if (methods.length === 0) {
      next();
      return;
    }
    const allow = [...new Set(methods)].sort().join(', ');
    if (request.method !== 'OPTIONS') throw new AppError('METHOD_NOT_ALLOWED', 405, `This path takes ${allow}.`, { headers: { Allow: allow } });
    response.status(204).set('Allow', allow).end();
  };
}

/** Routes that no document tells of, by path and method as a document has them. */
export function pathsOf(routes: Pick<Route, 'path' | 'method'>[]): Record<string, object> {
  const byPath = Map.groupBy(routes, ({ path }) => path.replace(/:(\w+)/g, '{$1}'));
  return Object.fromEntries([...byPath].map(([path, same]) => [path, Object.fromEntries(same.map(({ method }) => [method, {}]))]));
}

function knownOf(paths: Record<string, object>): { pattern: RegExp; methods: string[] }[] {
  return Object.entries(paths).map(([template, operations]) => ({ pattern: patternOf(template), methods: methodsOf(operations) }));
}

/** As Express matches: a parameter is one segment, case does not matter, nor does a slash at the end. */
function patternOf(template: string): RegExp {
  const source = template.split(/\{\w+\}/).map((fixed) => fixed.replace(/[.]/g, '\\.')).join('[^/]+');
  return new RegExp(`^${source}/?$`, 'i');
}

function methodsOf(operations: object): string[] {
  const methods = Object.keys(operations).map((method) => method.toUpperCase());
  return [...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])];
}
