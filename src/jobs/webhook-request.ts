import { createHmac } from 'node:crypto';
import type { DomainEventRow } from '../database/exchange-rows.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** What an endpoint is sent, after Standard Webhooks. */

/** The same bytes on every attempt: all of it was written once and for all when the event was told. */
export function bodyOf({ id, type, createdAt, licenseId, sequence, data }: DomainEventRow, mode: 'live' | 'test'): string {
  return JSON.stringify({ id, type, createdAt, livemode: mode === 'live', licenseId, sequence, data });
}

/** `secrets`: the current one, and while it signs too the one before. The id is the event's, so that a receiver knows a repeat. */
export function headersOf({ id, body, secrets }: { id: string; body: string; secrets: [string, ...string[]] }, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return {
    'Content-Type': 'application/json',
    'User-Agent': `Tillkey/${packageJson.version}`,
    'Webhook-Id': id,
    'Webhook-Timestamp': timestamp,
    'Webhook-Signature': secrets.map((secret) => `v1,${signatureOf(secret, `${id}.${timestamp}.${body}`)}`).join(' '),
    'X-Signature': createHmac('sha256', secrets[0]).update(body).digest('hex'),
  };
}

function signatureOf(secret: string, signed: string): string {
  return createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(signed).digest('base64');
}
