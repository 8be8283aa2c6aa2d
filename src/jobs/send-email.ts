import type { Clock } from '../clock.ts';
import type { MessageRow } from '../database/exchange-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import type { LicenseKeys } from '../licensing/license-key.ts';
import type { PortalLinks } from '../licensing/portal-links.ts';
import { isReminder } from '../licensing/core/message.ts';
import { type OwedMail, readMail } from '../licensing/read-mail.ts';
import type { UnsubscribeLinks } from '../licensing/unsubscribe-links.ts';
import type { Logger } from '../logger.ts';
import type { Mail, Mailer } from '../mailer.ts';
import { deliverMessage, type SendResult } from '../outbox.ts';
import type { Queues } from '../queues.ts';
import { attempt } from './attempt.ts';
import { backoffMs, MOST_MAIL_ATTEMPTS } from './backoff.ts';
import { renderMail } from './emails/render-mail.ts';

export type SendDependencies = {
  database: Database;
  keys: LicenseKeys;
  portalLinks: PortalLinks;
  unsubscribeLinks: UnsubscribeLinks;
  publicUrl: string;
  clock: Clock;
  log: Logger;
  mailer: Mailer;
  queues: Pick<Queues, 'enqueue'>;
};

const PORTAL_LINK_MS = 7 * 86_400_000;

/** One attempt at a mail: lock its outbox row, read what it says, send, mark. A failure is put off, or given up. */
export async function sendEmailJob(dependencies: SendDependencies, { id }: { id: string }): Promise<void> {
  const { database, clock, log, mailer, queues } = dependencies;
  let attempts = 0;
  const send = async (message: MessageRow, tx: Transaction) => {
    attempts = message.attempts;
    return trySending(dependencies, message, tx);
  };
  const result = await deliverMessage(database, id, send, () => clock.now());
  if (result === null) return;
  if (result.state === 'sent') return log.info({ messageId: id, to: mailer.destination }, 'mail sent');
  if (result.state === 'dropped') return log.info({ messageId: id, reason: result.error }, 'mail dropped');
  log.warn({ messageId: id, attempts, error: result.error, givenUp: result.state === 'failed' }, 'mail not sent');
  if (result.state === 'pending') await queues.enqueue('messages', { id }, backoffMs(attempts));
}

/** A message that cannot be made a mail is put off like one that is refused: it is seen, and ends. */
async function trySending(dependencies: SendDependencies, message: MessageRow, tx: Transaction): Promise<SendResult> {
  let result: SendResult = { state: 'sent' };
  const tried = await attempt(async () => {
    const owed = await readMail(tx, dependencies.keys, message);
    if ('gone' in owed) result = { state: 'failed', error: owed.gone };
    else if ('unwanted' in owed) result = { state: 'dropped', error: owed.unwanted };
    else {
      const sent = await dependencies.mailer.send(mailOf(dependencies, message, owed));
      if (!sent.sent) result = putOff(message, sent.error, dependencies.clock.now());
    }
  });
  return tried.ok ? result : putOff(message, tried.error, dependencies.clock.now());
}

const MOST_OF_AN_ERROR = 1000;

function putOff({ attempts }: MessageRow, said: string, now: Date): SendResult {
  // What a server says is bytes of its own making.
  const error = said.replaceAll('\u0000', '').toWellFormed().slice(0, MOST_OF_AN_ERROR);
  if (attempts >= MOST_MAIL_ATTEMPTS) return { state: 'failed', error };
  return { state: 'pending', error, retryAt: new Date(now.getTime() + backoffMs(attempts)) };
}

/** The links are made as it is sent: a mail that waited brings ones that hold. */
function mailOf({ portalLinks, unsubscribeLinks, publicUrl, clock }: SendDependencies, { id, recipient, kind }: MessageRow, { content, vendor, mode, holder }: OwedMail): Mail {
  const expiresAt = new Date(clock.now().getTime() + PORTAL_LINK_MS);
  const portal = holder && { url: `${publicUrl}/portal/${portalLinks.tokenOf({ ...holder, expiresAt })}`, expiresAt };
  const unsubscribeUrl = holder && isReminder(kind) ? `${publicUrl}/portal/unsubscribe/${unsubscribeLinks.tokenOf(holder)}` : null;
  const ofVendor = content.kind === 'endpoint_disabled' ? { name: null, supportEmail: null, websiteUrl: null } : vendor;
  const rendered = renderMail(content, { vendor: ofVendor, testMode: mode === 'test', portal, unsubscribeUrl });
  return { id, to: recipient, fromName: ofVendor.name, replyTo: ofVendor.supportEmail, unsubscribeUrl, ...rendered };
}
