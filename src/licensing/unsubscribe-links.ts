import { z } from 'zod';
import type { Sealing } from '../database/sealing.ts';
import { openToken, sealToken } from './sealed-tokens.ts';

/** Whose reminders a link stops. */
type Subscriber = { scopeId: number; customerId: string };

/** The links in reminders that stop them. They never end: who finds an old mail may still want no more. */
export type UnsubscribeLinks = {
  tokenOf(subscriber: Subscriber): string;
  /** Null: not one of ours, or not whole. */
  subscriberOf(token: string): Subscriber | null;
};

const sealedShape = z.tuple([z.int(), z.uuid()]);

export function createUnsubscribeLinks(sealing: Sealing): UnsubscribeLinks {
  return {
    tokenOf: ({ scopeId, customerId }) => sealToken(sealing, [scopeId, customerId]),
    subscriberOf: (token) => {
      const said = openToken(sealing, token);
      if (said === null) return null;
      const [scopeId, customerId] = sealedShape.parse(said);
      return { scopeId, customerId };
    },
  };
}
