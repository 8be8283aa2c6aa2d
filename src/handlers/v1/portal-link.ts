import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { createPortalLink, type PortalLink, portalLinkRequest } from '../../licensing/create-portal-link.ts';
import type { PortalLinks } from '../../licensing/portal-links.ts';
import { answersOne, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const portalLink = z.strictObject({ url: z.url(), expiresAt: shown.time }).meta({ id: 'PortalLink' });

type Dependencies = { database: Database; clock: Clock; portalLinks: PortalLinks; publicUrl: string };

export function portalLinkRoute({ clock, publicUrl, ...dependencies }: Dependencies): Route {
  const view = ({ token, expiresAt }: PortalLink) => ({ url: `${publicUrl}/portal/${token}`, expiresAt });
  return managementRoute(
    {
      method: 'post', path: '/api/v1/customers/:id/portal-link', permission: 'customers:write', summary: 'Make a link that lets a customer into the portal',
      input: portalLinkRequest, answers: answersOne(portalLink),
    },
    async ({ scope, id, input }) => one(await createPortalLink(dependencies, { scope, id }, input, clock.now()), view),
  );
}
