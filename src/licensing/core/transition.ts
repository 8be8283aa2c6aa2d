import type { Status, VendorStatus } from './status.ts';

/** What a vendor may do to a license. */
export type Action = 'suspend' | 'reinstate' | 'revoke' | 'ban' | 'renew' | 'rotate-key' | 'reset-usage';

/** From which status each action may be taken; from any other it is a conflict. */
const allowed: Record<Action, readonly Status[]> = {
  suspend: ['active', 'expired'],
  reinstate: ['suspended', 'expired'],
  revoke: ['active', 'suspended', 'expired'],
  ban: ['active', 'suspended', 'expired'],
  renew: ['active', 'suspended', 'expired'],
  'rotate-key': ['active', 'suspended', 'expired'],
  'reset-usage': ['active', 'suspended', 'expired', 'revoked', 'banned'],
};

export type Acted = { status: Status; expiresAt: Date | null; durationDays: number | null };

/** What the action changes, or why it may not be taken. An absent field stays. */
export type Transition =
  | { ok: true; vendorStatus?: VendorStatus; expiresAt?: Date }
  | { ok: false; refused: 'CONFLICT' | 'EXPIRY_REQUIRED' | 'NOT_RENEWABLE'; message: string };

/** The whole table of actions. `expiresAt` is what the request asks for, where it asks. */
export function transition(action: Action, license: Acted, expiresAt: Date | undefined, now: Date): Transition {
  if (!allowed[action].includes(license.status)) {
    return { ok: false, refused: 'CONFLICT', message: `A license that is ${license.status} cannot take the action ${action}.` };
  }
  switch (action) {
    case 'suspend':
      return { ok: true, vendorStatus: 'suspended' };
    case 'revoke':
      return { ok: true, vendorStatus: 'revoked' };
    case 'ban':
      return { ok: true, vendorStatus: 'banned' };
    case 'reinstate':
      return reinstate(license, expiresAt, now);
    case 'renew':
      return renew(license, expiresAt, now);
    case 'rotate-key':
    case 'reset-usage':
      return { ok: true };
  }
}

function reinstate({ status }: Acted, expiresAt: Date | undefined, now: Date): Transition {
  const inFuture = expiresAt !== undefined && expiresAt > now;
  if (inFuture) return { ok: true, vendorStatus: 'active', expiresAt };
  if (status === 'suspended' && expiresAt === undefined) return { ok: true, vendorStatus: 'active' };
  return { ok: false, refused: 'EXPIRY_REQUIRED', message: 'Send `expiresAt` with a moment in the future: the license would be expired at once.' };
}

const DAY_MS = 86_400_000;
/** Later than this, a date needs five digits for its year, which few readers expect. */
const LAST_MS = Date.UTC(9999, 11, 31);

function renew({ expiresAt: current, durationDays }: Acted, given: Date | undefined, now: Date): Transition {
  if (given !== undefined) return given > now ? { ok: true, expiresAt: given } : notRenewable('`expiresAt` must lie in the future.');
  if (current === null) return notRenewable('The license never ends. Send `expiresAt` to give it an end.');
  if (durationDays === null) return notRenewable('Its policy has no `durationDays` to renew by. Send `expiresAt`.');
  const renewed = Math.max(current.getTime(), now.getTime()) + durationDays * DAY_MS;
  return renewed > LAST_MS ? notRenewable('It would end after the year 9999.') : { ok: true, expiresAt: new Date(renewed) };
}

function notRenewable(message: string): Transition {
  return { ok: false, refused: 'NOT_RENEWABLE', message };
}
