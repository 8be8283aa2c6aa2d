import type { Clock } from '../clock.ts';
import type { MessageRow } from '../database/exchange-rows.ts';
import type { Database, Transaction } from '../database/orm.ts';
import { deliverableKeys } from '../licensing/deliverable-keys.ts';
import { messageData } from '../licensing/core/message.ts';
import type { LicenseKeys } from '../licensing/license-key.ts';
import type { Logger } from '../logger.ts';
import type { Mail, Mailer } from '../mailer.ts';
import { deliverMessage } from '../outbox.ts';
import type { Queues } from '../queues.ts';
import { backoffMs, MOST_MAIL_ATTEMPTS } from './backoff.ts';
import { renderKeyDelivery } from './emails/key-delivery.ts';

export type SendDependencies = {
  database: Database;
  keys: LicenseKeys;
  clock: Clock;
  log: Logger;
  mailer: Mailer;
  queues: Pick<Queues, 'enqueue'>;
};

/** One attempt at a mail: lock its outbox row, render, send, mark. A failure is put off, or given up. */
export async function sendEmailJob(dependencies: SendDependencies, { id }: { id: string }): Promise<void> {
  const { database, clock, log, mailer, queues } = dependencies;
  let attempts = 0;
  const send = async (message: MessageRow, tx: Transaction) => {
    attempts = message.attempts;
    const result = await mailer.send(await render(dependencies, message, tx));
    if (result.sent) return result;
    const retryAt = attempts < MOST_MAIL_ATTEMPTS ? new Date(clock.now().getTime() + backoffMs(attempts)) : null;
    return { ...result, retryAt };
  };
  const result = await deliverMessage(database, id, send, () => clock.now());
  if (result?.sent) log.info({ messageId: id, to: mailer.destination }, 'mail sent');
  if (result === null || result.sent) return;
  log.warn({ messageId: id, attempts, error: result.error, givenUp: result.retryAt === null }, 'mail not sent');
  if (result.retryAt) await queues.enqueue('messages', { id }, backoffMs(attempts));
}

async function render({ keys }: SendDependencies, message: MessageRow, tx: Transaction): Promise<Mail> {
  const delivered = await deliverableKeys(tx, keys, messageData.key_delivery.parse(message.data).licenseIds);
  return { id: message.id, to: message.recipient, ...renderKeyDelivery(delivered) };
}
