import type { Sealing } from '../database/sealing.ts';

/** Links keep no row: what they say stands in their token, sealed, so that only we can write or read one. */

export function sealToken(sealing: Sealing, said: unknown[]): string {
  return sealing.seal(JSON.stringify(said)).toString('base64url');
}

/** What a token says; null when it is not one of ours, or not whole. Base64 lets one thing be written in several ways: only ours counts. */
export function openToken(sealing: Sealing, token: string): unknown {
  const sealed = Buffer.from(token, 'base64url');
  if (sealed.toString('base64url') !== token) return null;
  const text = opened(sealing, sealed);
  return text === null ? null : JSON.parse(text);
}

function opened(sealing: Sealing, sealed: Buffer): string | null {
  try {
    return sealing.open(sealed);
  } catch {
    // The cipher throws at what it did not seal, and that is all it says.
    return null;
  }
}
