import type { Express, Request, RequestHandler } from 'express';
import type { Clock } from '../../clock.ts';
import type { Scope } from '../../database/scope.ts';
import { AppError } from '../../errors.ts';
import { deactivateOwnMachine } from '../../licensing/deactivate-own-machine.ts';
import type { Licensing } from '../../licensing/licensing.ts';
import type { PortalHolder, PortalLinks } from '../../licensing/portal-links.ts';
import { readPortal } from '../../licensing/read-portal.ts';
import { statusOfRefusal } from '../http/problem.ts';
import { comesFromElsewhere } from './comes-from-elsewhere.ts';
import { messagePage, pageHeaders, sendPage } from './layout.ts';
import { portalPage } from './portal-page.ts';

type Dependencies = Licensing & { clock: Clock; portalLinks: PortalLinks; publicUrl: string; scopeOf: (scopeId: number) => Promise<Scope>; timeOf: (scope: Scope) => Promise<Date> };

/** `now`: the time by which what they own is judged. */
type Visitor = { scope: Scope; holder: PortalHolder; path: string; now: Date };

/** The customer's own pages. The link's token is all that lets in; `count` counts who tries. */
export function servePortal(app: Express, dependencies: Dependencies, count: RequestHandler): void {
  app.use('/portal', (_request, response, next) => {
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
    next();
  });
  app.get('/portal/:token', count, showPortal(dependencies));
  app.post('/portal/:token/machines/:id/deactivate', count, deactivate(dependencies));
}

/** What a notice in the query stands for: a link may pick one of ours, and not put words on the page. */
const notices = new Map([['deactivated', 'The machine was deactivated. Its place is free for another.']]);

function showPortal(dependencies: Dependencies): RequestHandler {
  return async (request, response) => {
    const { scope, holder, path, now } = await visitorOf(request, dependencies);
    const portal = await readPortal(dependencies, { scope, customerId: holder.customerId }, now);
    if (!portal.ok) throw noEntry();
    const notice = notices.get(String(request.query['notice'])) ?? null;
    sendPage(response, 200, portalPage({ portal: portal.value, path, expiresAt: holder.expiresAt, notice }, now));
  };
}

function deactivate(dependencies: Dependencies): RequestHandler {
  return async (request, response) => {
    if (comesFromElsewhere(request, dependencies.publicUrl)) throw new AppError('FORBIDDEN', 403, 'This can only be asked for on the page of your licenses.');
    const { scope, holder, path, now } = await visitorOf(request, dependencies);
    const id = String(request.params['id']);
    const deactivated = await deactivateOwnMachine(dependencies, { scope, customerId: holder.customerId, id }, now);
    if (deactivated.ok) return void response.status(303).setHeader('Location', `${path}?notice=deactivated`).end();
    const message = deactivated.refused === 'NOT_FOUND' ? 'This machine is on none of your licenses, or no longer.' : deactivated.message;
    sendPage(response, statusOfRefusal[deactivated.refused], messagePage({ title: 'Not deactivated', message, back: path }));
  };
}

/** Whoever comes with a token that holds. The page's path is that of the address customers use, which a proxy may have lengthened. */
async function visitorOf(request: Request, { clock, portalLinks, scopeOf, timeOf, publicUrl }: Dependencies): Promise<Visitor> {
  const token = String(request.params['token']);
  const holder = portalLinks.holderOf(token, clock.now());
  if (holder === null) throw noEntry();
  const scope = await scopeOf(holder.scopeId);
  return { scope, holder, now: await timeOf(scope), path: new URL(`${publicUrl}/portal/${token}`).pathname };
}

/** One answer to every token that opens nothing: why it does not is nobody's business. */
function noEntry(): AppError {
  return new AppError('FORBIDDEN', 403, 'It has expired, or was not copied whole. Ask the vendor of your software for a new one.');
}
