import type { Request } from 'express';

/**
 * Whether a browser says that another site sent this form. Nobody else knows the address it goes to, so this is a second lock: where a
 * browser says nothing it stays open. Our own pages send no referrer, and with it `Origin: null`.
 */
export function comesFromElsewhere({ headers }: Pick<Request, 'headers'>, publicUrl: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  if (origin === undefined || origin === 'null') return false;
  return origin !== new URL(publicUrl).origin && !(URL.canParse(origin) && new URL(origin).host === host);
}
