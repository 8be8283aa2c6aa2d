import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** Where a catcher falls silent: before a mail is sent, at its recipient, or with the whole mail received and not yet acknowledged. */
type Silence = 'never' | 'before' | 'recipient' | 'after';

/** `silent` falls silent at every mail, or `silentFor` at those to one address; `refused` addresses are refused for good. */
type Manners = { silent?: Silence; silentFor?: string; refused?: string[] };

export type MailCatcher = {
  url: string;
  mails: Email[];
  /** The next mail, or, of a silent catcher, the moment it falls silent. */
  reached: Promise<void>;
  /** Speaks again to whom it fell silent at a recipient. */
  speakAgain(): void;
  close(): Promise<void>;
};

/** A real SMTP server on loopback that keeps what it is sent. */
export async function catchMail({ silent = 'never', silentFor, refused = [] }: Manners = {}): Promise<MailCatcher> {
  const mails: Email[] = [];
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const held: (() => void)[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onConnect: (_session, proceed) => {
      if (silent === 'before') resolve();
      else proceed();
    },
    onRcptTo: ({ address }, _session, proceed) => {
      if (silent === 'recipient' && (silentFor === undefined || silentFor === address)) {
        held.push(proceed);
        return resolve();
      }
      proceed(refused.includes(address) ? Object.assign(new Error(`5.1.1 <${address}> no such user here`), { responseCode: 550 }) : null);
    },
    onData: (stream, _session, acknowledge) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        void PostalMime.parse(Buffer.concat(chunks)).then((mail) => {
          mails.push(mail);
          resolve();
          if (silent !== 'after') acknowledge();
        });
      });
    },
  });
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, mails, reached, speakAgain: () => held.splice(0).forEach((proceed) => proceed()), close: () => new Promise((done) => server.close(() => done())) };
}
