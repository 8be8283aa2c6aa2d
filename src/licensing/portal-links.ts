import { z } from 'zod';
import type { Sealing } from '../database/sealing.ts';

/** Whom a portal link lets in, and until when. */
export type PortalHolder = { scopeId: number; customerId: string; expiresAt: Date };

/** Portal links keep no row: who may come in stands in the link itself, sealed, so that only we can write or read one. */
export type PortalLinks = {
  tokenOf(holder: PortalHolder): string;
  /** Null: not one of ours, not whole, or over. */
  holderOf(token: string, now: Date): PortalHolder | null;
};

const sealedShape = z.tuple([z.int(), z.uuid(), z.int()]);

export function createPortalLinks(sealing: Sealing): PortalLinks {
  return {
    tokenOf: ({ scopeId, customerId, expiresAt }) => sealing.seal(JSON.stringify([scopeId, customerId, expiresAt.getTime()])).toString('base64url'),
    holderOf: (token, now) => {
      const text = opened(sealing, token);
      if (text === null) return null;
      const [scopeId, customerId, expiresAtMs] = sealedShape.parse(JSON.parse(text));
      return now.getTime() < expiresAtMs ? { scopeId, customerId, expiresAt: new Date(expiresAtMs) } : null;
    },
  };
}

/** Base64 lets one thing be written in several ways; only the way that we write it is a token of ours. */
function opened(sealing: Sealing, token: string): string | null {
  const sealed = Buffer.from(token, 'base64url');
  if (sealed.toString('base64url') !== token) return null;
  try {
    return sealing.open(sealed);
  } catch {
    // The cipher throws at what it did not seal, and that is all it says.
    return null;
  }
}
