import { z } from 'zod';
import type { Database } from '../database/orm.ts';
import type { Scope } from '../database/scope.ts';
import { ok, type Result } from '../errors.ts';
import type { PortalLinks } from './portal-links.ts';
import { readCustomer } from './read-customers.ts';

/** `ttl` is in seconds: an hour unless told, a week at most, as a link cannot be taken back. */
export const portalLinkRequest = z.strictObject({ ttl: z.int().min(300).max(604_800).default(3600) });

export type PortalLink = { token: string; expiresAt: Date };

/** A link that lets a customer into the portal for a while. Nothing is written. */
export async function createPortalLink(
  { database, portalLinks }: { database: Database; portalLinks: PortalLinks },
  { scope, id }: { scope: Scope; id: string },
  { ttl }: z.output<typeof portalLinkRequest>,
  now: Date,
): Promise<Result<PortalLink>> {
  const customer = await readCustomer(database, scope, id);
  if (!customer.ok) return customer;
  const expiresAt = new Date(now.getTime() + ttl * 1000);
  return ok({ token: portalLinks.tokenOf({ scopeId: scope.id, customerId: customer.value.id, expiresAt }), expiresAt });
}
