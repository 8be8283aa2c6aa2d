import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../database/orm.ts';
import { createPortalLink, type PortalLink, portalLinkRequest } from '../../licensing/create-portal-link.ts';
import type { PortalLinks } from '../../licensing/portal-links.ts';
import type { Queues } from '../../queues.ts';
import { answersOne, one } from '../http/answer.ts';
import { managementRoute, type Route } from '../http/route.ts';
import { shown } from './view.ts';

const portalLink = z.strictObject({ url: z.url(), expiresAt: shown.time, messageId: shown.id.nullable() }).meta({ id: 'PortalLink' });

type Dependencies = { database: Database; clock: Clock; queues: Pick<Queues, 'enqueue'>; portalLinks: PortalLinks; publicUrl: string };

export function portalLinkRoute({ clock, publicUrl, queues, ...dependencies }: Dependencies): Route {
  const view = ({ token, expiresAt, messageId }: PortalLink) => ({ url: `${publicUrl}/portal/${token}`, expiresAt, messageId });
  return managementRoute(
    {
      method: 'post', path: '/api/v1/customers/:id/portal-link', permission: 'customers:write', summary: 'Make a link that lets a customer into the portal, and mail them one where asked to',
      input: portalLinkRequest, answers: answersOne(portalLink),
    },
    async ({ scope, id, input, now }) => {
      const created = await createPortalLink(dependencies, { scope, id, request: input }, now, clock.now());
      if (created.ok && created.value.messageId !== null) await queues.enqueue('messages', { id: created.value.messageId });
      return one(created, view);
    },
  );
}
