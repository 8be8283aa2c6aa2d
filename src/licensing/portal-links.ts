import { z } from 'zod';
import type { Sealing } from '../database/sealing.ts';
import { openToken, sealToken } from './sealed-tokens.ts';

/** Whom a portal link lets in, and until when. */
export type PortalHolder = { scopeId: number; customerId: string; expiresAt: Date };

/** The links that let customers into the portal. */
export type PortalLinks = {
  tokenOf(holder: PortalHolder): string;
  /** Null: not one of ours, not whole, or over. */
  holderOf(token: string, now: Date): PortalHolder | null;
};

const sealedShape = z.tuple([z.int(), z.uuid(), z.int()]);

export function createPortalLinks(sealing: Sealing): PortalLinks {
  return {
    tokenOf: ({ scopeId, customerId, expiresAt }) => sealToken(sealing, [scopeId, customerId, expiresAt.getTime()]),
    holderOf: (token, now) => {
      const said = openToken(sealing, token);
      if (said === null) return null;
      const [scopeId, customerId, expiresAtMs] = sealedShape.parse(said);
      return now.getTime() < expiresAtMs ? { scopeId, customerId, expiresAt: new Date(expiresAtMs) } : null;
    },
  };
}
