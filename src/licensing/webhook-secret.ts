import { randomBytes } from 'node:crypto';

/** A new signing secret: 256 random bits, as Standard Webhooks writes them. */
export function mintWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
