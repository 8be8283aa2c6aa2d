import { createHmac } from 'node:crypto';

/** The `Stripe-Signature` header of a body. Receivers judge its age on real time, so it is dated with real time. */
export function signPayload(body: string, secret: string, at: Date = new Date()): string {
  const seconds = Math.floor(at.getTime() / 1000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`, 'utf8').digest('hex');
  return `t=${seconds},v1=${signature}`;
}
